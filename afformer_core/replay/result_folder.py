# SPDX-License-Identifier: Apache-2.0
"""A folder of results that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afformer_core.errors import DatasetError


@contextmanager
def result_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to write into, beside `folder`; it takes its name when all went well.

    Args:
        folder: where the results are to be.
        overwrite: replace what is there.

    Raises:
        DatasetError: it exists and may not be replaced, or it is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f'{folder} is a file; choose another folder')
    if folder.exists() and not overwrite:
        raise DatasetError(f'{folder} exists; choose another folder or give --overwrite')
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f'.{folder.name}.{os.getpid()}.part')
    old = folder.with_name(f'.{folder.name}.{os.getpid()}.old')
    aside.mkdir()
    try:
        yield aside
        if folder.exists():
            os.replace(folder, old)
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
