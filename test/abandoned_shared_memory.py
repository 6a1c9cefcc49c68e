# SPDX-License-Identifier: Apache-2.0
"""The shared memory of Fast DDS that killed processes have left behind.

A process that ends by itself removes its files from `/dev/shm`. A killed one leaves about 35 MB
there, which occupy memory until the computer restarts.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

_FOLDER = Path('/dev/shm')
# `fastdds` is `fastrtps` before Fast DDS 3; `_el` and `_sl` are locks of a file.
_NAME = re.compile(r'((?:sem\.)?fast(?:dds|rtps)_\w+?)(?:_[es]l)?')
# Seconds in which a process that has created a file maps it.
_CREATION = 60.0


def remove_abandoned(folder: Path = _FOLDER) -> None:
    """Remove the files of this user that no process uses any more."""
    used = _used_names(folder)
    for path in folder.glob('*fast*'):
        named = _NAME.fullmatch(path.name)
        if named is None or used & {path.name, named[1]}:
            continue
        # Another run may have removed it.
        with suppress(FileNotFoundError):
            found = path.stat()
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime >= _CREATION:
                path.unlink()


def _used_names(folder: Path) -> set[str]:
    """List the files of a folder that processes of this user have mapped or opened."""
    beginning = f'{folder}/'
    used = set()
    for process in Path('/proc').glob('[0-9]*'):
        # A process that has ended, or belongs to somebody else, cannot be read.
        with suppress(OSError):
            lines = (process / 'maps').read_text().splitlines()
            paths = [f'/{line.partition("/")[2]}' for line in lines]
            used |= {path.removeprefix(beginning) for path in paths if path.startswith(beginning)}
        with suppress(OSError):
            for link in os.listdir(process / 'fd'):
                # It may have been closed.
                with suppress(OSError):
                    used.add(os.readlink(process / 'fd' / link).removeprefix(beginning))
    return used
