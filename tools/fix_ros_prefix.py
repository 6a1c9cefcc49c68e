#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adaptation of the CMake exports in ROS 2 wheels to the environment in which they are installed.

The text files under ``share/`` contain the paths of the machine that built the wheels
(``/opt/python/cp311-cp311/...``), so CMake finds neither their libraries nor the headers of Python
and NumPy, which lie in another folder from NumPy 2 on. Run this with the environment's own Python
after each installation of ROS wheels or of NumPy; a second run changes nothing::

    .venv/bin/python tools/fix_ros_prefix.py
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

BUILDER_PREFIX = re.compile(rb'/opt/python/cp3\d+-cp3\d+')
BUILDER_INCLUDE = re.compile(BUILDER_PREFIX.pattern + rb'/include/python3\.\d+')
NUMPY_INCLUDE = rb'/lib/python3\.\d+/site-packages/numpy/_?core/include'


@dataclass(frozen=True)
class Environment:
    """The folders of a virtual environment.

    Attributes:
        prefix: the environment itself.
        include: headers of its Python.
        numpy_include: headers of its NumPy; None if it has none.
    """

    prefix: Path
    include: Path
    numpy_include: Path | None


def fix_text(content: bytes, environment: Environment) -> bytes:
    """Replace the builder's header folders and its prefix by those of the environment."""
    content = BUILDER_INCLUDE.sub(lambda _: os.fsencode(environment.include), content)
    content = BUILDER_PREFIX.sub(lambda _: os.fsencode(environment.prefix), content)
    numpy_include = environment.numpy_include
    if numpy_include is not None:
        here = re.escape(os.fsencode(environment.prefix)) + NUMPY_INCLUDE
        content = re.sub(here, lambda _: os.fsencode(numpy_include), content)
    return content


def fix_tree(share: Path, environment: Environment) -> list[Path]:
    """Fix every text file under ``share`` and return the files that changed, sorted.

    Files with a NUL byte are binary and remain unchanged. Files are replaced atomically.

    Raises:
        FileNotFoundError: ``share`` is not a folder.
    """
    if not share.is_dir():
        raise FileNotFoundError(f'{share} is not a folder; install the ROS 2 wheels first')
    changed = []
    for path in sorted(share.rglob('*')):
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        if b'\0' in content:
            continue
        fixed = fix_text(content, environment)
        if fixed != content:
            _replace(path, fixed)
            changed.append(path)
    return changed


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as aside:
        aside.write(content)
    os.chmod(aside.name, mode)
    os.replace(aside.name, path)


def _numpy_include(prefix: Path) -> Path | None:
    """Return the folder of NumPy's headers, found without an import of NumPy."""
    folders = prefix.glob('lib/python3*/site-packages/numpy/*core/include')
    return min(folders, default=None)


def main(prefix: Path) -> None:
    """Fix an environment of the Python that runs this script."""
    include = Path(sysconfig.get_paths()['include'])
    changed = fix_tree(prefix / 'share', Environment(prefix, include, _numpy_include(prefix)))
    print(f'corrected {len(changed)} files under {prefix / "share"} to {prefix}')


if __name__ == '__main__':
    main(Path(sys.prefix))
