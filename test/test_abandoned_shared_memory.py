# SPDX-License-Identifier: Apache-2.0
"""Files of shared memory that are removed, and those that are in use."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

from .abandoned_shared_memory import remove_abandoned


def write(folder: Path, name: str, age: float = 61.0) -> Path:
    path = folder / name
    path.write_bytes(b'\1' * 8192)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_only_old_files_of_fast_dds_that_nobody_uses_are_removed(tmp_path: Path) -> None:
    mapped = write(tmp_path, 'fastdds_00c4f7')
    opened = write(tmp_path, 'fastdds_port7431_sl')
    kept = [
        mapped,
        opened,
        write(tmp_path, 'fastdds_00c4f7_el'),
        write(tmp_path, 'fastdds_9ab1', age=40.0),
        write(tmp_path, 'breakfast_11'),
    ]
    for name in ('fastdds_17bb', 'fastdds_17bb_el', 'fastrtps_2e', 'sem.fastdds_port7411_mutex'):
        write(tmp_path, name)

    with mapped.open('r+b') as file, mmap.mmap(file.fileno(), 0), opened.open():
        file.close()
        remove_abandoned(tmp_path)

    assert sorted(tmp_path.iterdir()) == sorted(kept)
