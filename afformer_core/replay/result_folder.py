# SPDX-License-Identifier: Apache-2.0
"""The folder of a replay's results, which is written atomically."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from afformer_core.errors import DatasetError

_SUMMARY = 'summary.json'
_RESULTS = {_SUMMARY, 'bag', 'groundings.csv', 'overlay.mp4'}


@contextmanager
def result_folder(folder: Path, *, overwrite: bool, inputs: Sequence[Path] = ()) -> Iterator[Path]:
    """Open a temporary folder beside `folder`, which is renamed to it on success.

    After any failure, the previous folder is restored.

    Args:
        folder: folder of the results.
        overwrite: whether to replace the results of an earlier replay, and only those.
        inputs: files and folders that are read; none may be `folder` nor lie in it.

    Raises:
        DatasetError: the folder would replace an input, exists and must not be replaced, or is not
            a folder.
    """
    folder = folder.resolve()
    for path in inputs:
        if path.resolve().is_relative_to(folder):
            raise DatasetError(
                f'the results would replace {path}, which is an input; choose another folder than '
                f'{folder}'
            )
    _check_free(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f'.{folder.name}.{os.getpid()}.part')
    aside.mkdir()
    try:
        yield aside
        # Another folder may have appeared in the meantime.
        _check_free(folder, overwrite=overwrite)
        _move(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _check_free(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DatasetError(f'{folder} is a file; choose another folder')
    names = {path.name for path in folder.iterdir()}
    if names and (_SUMMARY not in names or names - _RESULTS):
        other = min(names - _RESULTS, default=f'no {_SUMMARY}')
        raise DatasetError(
            f'{folder} exists and is not the result of a replay, because it contains {other}; '
            'choose another folder'
        )
    if not overwrite:
        raise DatasetError(f'{folder} exists; choose another folder or give --overwrite')


def _move(aside: Path, folder: Path) -> None:
    """Rename `aside` to `folder`, and restore the previous folder on failure."""
    old = folder.with_name(f'.{folder.name}.{os.getpid()}.old')
    try:
        if folder.exists():
            os.replace(folder, old)
        os.replace(aside, folder)
    finally:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        shutil.rmtree(old, ignore_errors=True)
