# SPDX-License-Identifier: Apache-2.0
"""The folder of a replay's results, which is written atomically."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afformer_core.errors import DatasetError


@contextmanager
def result_folder(folder: Path) -> Iterator[Path]:
    """Open a temporary folder beside `folder`, which is renamed to it on success.

    Raises:
        DatasetError: the folder exists and is not empty.
    """
    folder = folder.resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DatasetError(f'{folder} exists; choose another folder')
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f'.{folder.name}.{os.getpid()}.part')
    aside.mkdir()
    try:
        yield aside
        # Fails if another folder with contents has appeared in the meantime.
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
