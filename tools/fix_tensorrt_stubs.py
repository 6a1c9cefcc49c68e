# SPDX-License-Identifier: Apache-2.0
"""Correction of TensorRT's published type stubs, which are not valid Python.

Parameters are named `in`, and some without a default follow one with a default.
"""

from __future__ import annotations

import ast
import os
import re
import sysconfig
from pathlib import Path

_NAMED_IN = re.compile(r'\bin: ')
_SIGNATURE = re.compile(r'^(\s*def \w+\()(.*)(\)(?: -> .*)?: *\.*)$')


def mended(text: str) -> str:
    """Return the stubs with valid signatures."""
    return '\n'.join(_mended_line(line) for line in text.split('\n'))


def _mended_line(line: str) -> str:
    found = _SIGNATURE.match(line)
    if found is None:
        return line
    line = _NAMED_IN.sub('in_: ', line)
    try:
        ast.parse(f'{line.strip()} ...' if line.rstrip().endswith(':') else line.strip())
    except SyntaxError:
        # Calls of it are then not checked.
        start, _, end = found.groups()
        return f'{start}*args, **kwargs{end}'
    return line


def main() -> None:
    """Correct the stubs in the packages of this Python, if there are any."""
    path = Path(sysconfig.get_paths()['purelib']) / 'tensorrt_bindings' / 'tensorrt.pyi'
    if path.is_file():
        aside = path.with_suffix('.aside')
        aside.write_text(mended(path.read_text(encoding='utf-8')), encoding='utf-8')
        os.replace(aside, path)


if __name__ == '__main__':
    main()
