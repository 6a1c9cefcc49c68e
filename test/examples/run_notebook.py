# SPDX-License-Identifier: Apache-2.0
"""Execute a notebook as Jupyter does, and write it with its outputs, images as JPEG.

    python run_notebook.py NOTEBOOK EXECUTED

Jupyter is not needed. To replace the outputs that a notebook of the examples shows, copy EXECUTED.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from PIL import Image


def run_notebook(path: Path) -> dict[str, Any]:
    """Run the cells of a notebook, in the folder of the process; the notebook with outputs."""
    scope: dict[str, Any] = {'__name__': '__main__'}
    notebook = json.loads(path.read_text(encoding='utf-8'))
    cells = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    for number, cell in enumerate(cells, 1):
        tree = ast.parse(''.join(cell['source']))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(tree, cell['id'], 'exec'), scope)
            value = ast.Expression(last.value) if last else ast.parse('None', mode='eval')
            shown = eval(compile(value, cell['id'], 'eval'), scope)
        print(printed.getvalue(), end='')
        cell['execution_count'] = number
        cell['outputs'] = list(outputs(printed.getvalue(), shown))
    return notebook


def outputs(printed: str, shown: Any) -> Iterator[dict[str, Any]]:
    """Outputs of a cell: what it prints, and the image of the value of its last line."""
    if printed:
        yield {'output_type': 'stream', 'name': 'stdout', 'text': printed.splitlines(True)}
    if hasattr(shown, '_repr_png_'):
        jpeg = io.BytesIO()
        Image.open(io.BytesIO(shown._repr_png_())).convert('RGB').save(jpeg, 'JPEG', quality=85)
        data = {'image/jpeg': base64.b64encode(jpeg.getvalue()).decode()}
        yield {'output_type': 'display_data', 'metadata': {}, 'data': data}


if __name__ == '__main__':
    Path(sys.argv[2]).write_text(json.dumps(run_notebook(Path(sys.argv[1])), indent=1) + '\n')
