# SPDX-License-Identifier: Apache-2.0
"""The conversion of a dataset to a manifest file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from afformer_core.errors import DatasetError
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset, sample_id
from afformer_core.offline.data.manifest.files import write_manifest
from afformer_core.offline.data.manifest.row import ManifestRow


def convert(dataset: AnnotatedDataset, output: Path) -> None:
    """Write the rows of a dataset to a manifest from which the same samples are read.

    Args:
        dataset: the dataset.
        output: the file; `.jsonl`, `.ndjson` or `.parquet`. Paths in it are relative to its
            folder, so that both can be moved together.

    Raises:
        DatasetError: the suffix is not that of a manifest, the output exists, or a path is not
            Unicode.
    """
    if output.exists():
        raise DatasetError(f'{output} exists. Remove it, or give another name')
    header = dataset.manifest.header
    source = header.source or dataset.annotations.stem
    write_manifest(
        output,
        replace(header, source=source),
        [_moved(numbered.row, dataset.root, output.parent) for numbered in dataset.manifest.rows],
    )


def _moved(row: ManifestRow, root: Path, folder: Path) -> ManifestRow:
    """Return the row with paths from another folder."""
    return replace(
        row,
        id=sample_id(row),
        clip=_relative(root / row.clip, folder),
        target=_relative(root / row.target, folder),
        mask=None if row.mask is None else _relative(root / row.mask, folder),
    )


def _relative(path: Path, folder: Path) -> str:
    relative = Path(os.path.relpath(path, folder)).as_posix()
    try:
        relative.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f'{os.fsencode(path)!r} is not a path in UTF-8, which a manifest needs. Rename it'
        ) from error
    return relative
