# SPDX-License-Identifier: Apache-2.0
"""Run the code of a notebook as Jupyter does, with images that it shows as files.

    python run_notebook.py NOTEBOOK

The value of the last line of each cell is shown: as `shown_0.png`, `shown_1.png` and so on where
it is an image. Jupyter is not needed.
"""

from __future__ import annotations

import ast
import itertools
import json
import sys
from pathlib import Path
from typing import Any


def run_notebook(path: Path) -> None:
    """Run the cells of a notebook, in the folder of the process."""
    scope: dict[str, Any] = {'__name__': '__main__'}
    numbers = itertools.count()
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        if cell['cell_type'] != 'code':
            continue
        tree = ast.parse(''.join(cell['source']))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell['id'], 'exec'), scope)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), cell['id'], 'eval'), scope)
            if image := getattr(shown, '_repr_png_', lambda: None)():
                Path(f'shown_{next(numbers)}.png').write_bytes(image)


if __name__ == '__main__':
    run_notebook(Path(sys.argv[1]))
