# SPDX-License-Identifier: Apache-2.0
"""Files of manifests, in JSON lines."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_text
from afformer_core.files.atomic import write_aside
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset, sample_id
from afformer_core.offline.data.manifest.contents import (
    Manifest,
    ManifestHeader,
    ManifestRow,
    NumberedRow,
    parse,
)

SUFFIXES = ('.jsonl', '.ndjson')


def read_manifest(path: Path, root: Path | None = None) -> Manifest:
    """Read a file.

    Args:
        path: the file.
        root: folder to which paths are relative; None: the folder of the file.

    Raises:
        DatasetError: the file is missing or has no row; or a row is malformed, with its line.
    """
    rows: list[NumberedRow] = []
    header = ManifestHeader()
    lines = read_text(path).removeprefix('\ufeff').split('\n')
    numbered = [(f'line {number} of {path}', line) for number, line in enumerate(lines, 1)]
    for position, line in ((position, line) for position, line in numbered if line.strip()):
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise DatasetError(
                f'{position} is not JSON: {error}. Write one object per line'
            ) from error
        with naming(position):
            if not rows and isinstance(value, dict) and 'manifest' in value:
                header = parse('the header', ManifestHeader, value)
            else:
                rows.append(NumberedRow(position, parse('', ManifestRow, value)))
    if not rows:
        raise DatasetError(f'{path} has no row. Add one for each clip, target image and action')
    return Manifest(path, path.parent if root is None else root, header, rows)


def convert(dataset: AnnotatedDataset, output: Path) -> None:
    """Write the rows of a dataset to a manifest from which the same samples are read.

    Args:
        dataset: the dataset.
        output: the file; `.jsonl` or `.ndjson`. Paths in it are relative to its
            folder, so that both can be moved together.

    Raises:
        DatasetError: the suffix is not that of a manifest, the output exists, or a path is not
            Unicode.
    """
    if output.exists():
        raise DatasetError(f'{output} exists. Remove it, or give another name')
    if output.suffix.lower() not in SUFFIXES:
        raise DatasetError(
            f'{output} does not have the suffix of a manifest; expected {", ".join(SUFFIXES)}'
        )
    header = dataset.manifest.header
    contents = [replace(header, source=header.source or dataset.annotations.stem).to_json()]
    for numbered in dataset.manifest.rows:
        row, root, folder = numbered.row, dataset.root, output.parent
        moved = replace(
            row,
            id=sample_id(row),
            clip=_relative(root / row.clip, folder),
            target=_relative(root / row.target, folder),
            mask=None if row.mask is None else _relative(root / row.mask, folder),
        )
        fields = asdict(moved).items()
        contents.append({name: value for name, value in fields if value not in (None, ())})
    lines = (f'{json.dumps(content, ensure_ascii=False)}\n' for content in contents)
    write_aside(output, ''.join(lines).encode())


def _relative(path: Path, folder: Path) -> str:
    relative = Path(os.path.relpath(path, folder)).as_posix()
    try:
        relative.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f'{os.fsencode(path)!r} is not a path in UTF-8, which a manifest needs. Rename it'
        ) from error
    return relative
