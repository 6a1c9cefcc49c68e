#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adaptation of the CMake exports in ROS 2 wheels to the environment in which they are installed.

The text files under ``share/`` contain the paths of the machine that built the wheels
(``/opt/python/cp311-cp311/...``), so CMake finds neither their libraries nor Python's headers. Run
this with the environment's own Python after each installation of ROS wheels; a second run changes
nothing::

    .venv/bin/python tools/fix_ros_prefix.py
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import sysconfig
import tempfile
from pathlib import Path

BUILDER_PREFIX = re.compile(rb'/opt/python/cp3\d+-cp3\d+')
BUILDER_INCLUDE = re.compile(BUILDER_PREFIX.pattern + rb'/include/python3\.\d+')


def fix_text(content: bytes, prefix: Path, include: Path) -> bytes:
    """Replace the builder's header folder by ``include`` and its prefix by ``prefix``."""
    content = BUILDER_INCLUDE.sub(lambda _: os.fsencode(include), content)
    return BUILDER_PREFIX.sub(lambda _: os.fsencode(prefix), content)


def fix_tree(share: Path, prefix: Path, include: Path) -> list[Path]:
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
        fixed = fix_text(content, prefix, include)
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


def main() -> int:
    """Fix the environment whose Python runs this script."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument(
        '--prefix',
        type=Path,
        default=Path(sys.prefix),
        help='environment to fix (default: that of the running Python)',
    )
    prefix = parser.parse_args().prefix.absolute()
    changed = fix_tree(prefix / 'share', prefix, Path(sysconfig.get_paths()['include']))
    print(f'corrected {len(changed)} files under {prefix / "share"} to {prefix}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
