# SPDX-License-Identifier: Apache-2.0
"""Files of manifests: JSON lines, and Parquet through pyarrow."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_text
from afformer_core.files.atomic import write_aside
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader, NumberedRow
from afformer_core.offline.data.manifest.row import ManifestRow

if TYPE_CHECKING:
    import pyarrow

LINES_SUFFIXES = ('.jsonl', '.ndjson')
PARQUET_SUFFIX = '.parquet'
SUFFIXES = (*LINES_SUFFIXES, PARQUET_SUFFIX)

_METADATA_KEY = b'afformer'


def read_manifest(path: Path, root: Path | None = None) -> Manifest:
    """Read a file.

    Args:
        path: the file.
        root: folder to which paths are relative; None: the folder of the file.

    Raises:
        DatasetError: the file is missing, damaged, or has no row; or a row is malformed, with its
            line (JSON lines) or number from 1 (Parquet).
    """
    if path.suffix.lower() == PARQUET_SUFFIX:
        header, values, word = *_read_parquet(path), 'row'
    else:
        header, values, word = *_read_lines(path), 'line'
    rows = []
    for number, value in values:
        position = f'{word} {number} of {path}'
        with naming(position):
            rows.append(NumberedRow(position, ManifestRow.from_json(value)))
    if not rows:
        raise DatasetError(f'{path} has no row. Add one for each clip, target image and action')
    return Manifest(path, path.parent if root is None else root, header, rows)


def write_manifest(path: Path, header: ManifestHeader, rows: Sequence[ManifestRow]) -> None:
    """Write a file atomically, in the format of its suffix.

    Raises:
        DatasetError: the suffix is not that of a manifest.
    """
    contents = [_to_json(row) for row in rows]
    if path.suffix.lower() == PARQUET_SUFFIX:
        write_aside(path, _parquet_bytes(header, contents))
    elif path.suffix.lower() in LINES_SUFFIXES:
        lines = (
            json.dumps(content, ensure_ascii=False) for content in (header.to_json(), *contents)
        )
        write_aside(path, ''.join(f'{line}\n' for line in lines).encode())
    else:
        raise DatasetError(
            f'{path} does not have the suffix of a manifest; expected {", ".join(SUFFIXES)}'
        )


def _to_json(row: ManifestRow) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if value not in (None, ())}


def _read_lines(path: Path) -> tuple[ManifestHeader, Iterator[tuple[int, Any]]]:
    lines = read_text(path).removeprefix('\ufeff').split('\n')
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    values = []
    for number, line in numbered:
        try:
            values.append((number, json.loads(line)))
        except json.JSONDecodeError as error:
            raise DatasetError(
                f'line {number} of {path} is not JSON: {error}. Write one object per line'
            ) from error
    header = ManifestHeader()
    if values and isinstance(values[0][1], dict) and 'manifest' in values[0][1]:
        with naming(f'line {values[0][0]} of {path}'):
            header = ManifestHeader.from_json(values.pop(0)[1])
    return header, iter(values)


def _read_parquet(path: Path) -> tuple[ManifestHeader, Iterator[tuple[int, Any]]]:
    import pyarrow
    import pyarrow.parquet

    if not path.is_file():
        raise DatasetError(f'{path} does not exist; expected an annotation file')
    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise DatasetError(f'{path} is not Parquet: {error}') from error
    stored = (table.schema.metadata or {}).get(_METADATA_KEY, b'{}')
    with naming(f'the metadata of {path}'):
        header = ManifestHeader.from_json(json.loads(stored))
    return header, enumerate(table.to_pylist(), 1)


def _parquet_bytes(header: ManifestHeader, contents: list[dict[str, Any]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    metadata = {_METADATA_KEY: json.dumps(header.to_json()).encode()}
    table = pyarrow.Table.from_pylist(contents, _parquet_schema().with_metadata(metadata))
    stored = io.BytesIO()
    pyarrow.parquet.write_table(table, stored, compression='zstd')
    return stored.getvalue()


def _parquet_schema() -> pyarrow.Schema:
    import pyarrow

    name, number, whole_number = pyarrow.string(), pyarrow.float64(), pyarrow.int32()
    listed = pyarrow.list_
    points = listed(listed(number))
    scene = pyarrow.struct(
        {
            'id': name,
            'element': whole_number,
            'polygons': listed(points),
            'kinds': listed(name),
            'in_view': listed(pyarrow.bool_()),
        }
    )
    of_others = {
        'points': points,
        'boxes': points,
        'polygons': listed(points),
        'holes': listed(points),
        'clip_seconds': listed(number),
        'target_size': listed(whole_number),
        'contact_frames': listed(whole_number),
        'contact_points': points,
        'scene': scene,
    }
    return pyarrow.schema(
        [(field.name, of_others.get(field.name, name)) for field in fields(ManifestRow)]
    )
