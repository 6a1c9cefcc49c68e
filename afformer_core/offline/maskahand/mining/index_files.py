# SPDX-License-Identifier: Apache-2.0
"""The files of an index and of its parts, in a folder of this machine or at a URL."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.sources.urls import RemoteFile, address, url_of


def absolute(path: str, folder: Path) -> Path:
    """Return the path of a video, given its path in an index."""
    return Path(path) if url_of(Path(path)) else Path(os.path.normpath(folder / path))


def relative(path: Path, folder: Path) -> str:
    """Return the path of a video in an index, given the folder of the index.

    Between a URL and a machine, no path is relative.
    """
    if url_of(folder) is not None and url_of(path) is None:
        return path.absolute().as_posix()
    return url_of(path) or Path(os.path.relpath(path, folder)).as_posix()


HAND = pa.struct(
    [
        ('frame', pa.int32()),
        ('left', pa.float64()),
        ('top', pa.float64()),
        ('right', pa.float64()),
        ('bottom', pa.float64()),
        ('contact', pa.bool_()),
        ('score', pa.float64()),
        ('contact_x', pa.float64()),
        ('contact_y', pa.float64()),
    ]
)
"""A hand, with the number of its frame."""


def hand_row(frame: int, hand: Hand) -> dict[str, Any]:
    """Convert a hand of a frame to a value of `HAND`."""
    left, top, right, bottom = hand.box
    x, y = hand.contact_point or (None, None)
    return {
        'frame': frame,
        'left': left,
        'top': top,
        'right': right,
        'bottom': bottom,
        'contact': hand.contact,
        'score': hand.score,
        'contact_x': x,
        'contact_y': y,
    }


def hand_of_row(row: Mapping[str, Any]) -> Hand:
    """Convert a value of `HAND` to the hand."""
    box = (row['left'], row['top'], row['right'], row['bottom'])
    point = None if row['contact_x'] is None else (row['contact_x'], row['contact_y'])
    return Hand(box, row['contact'], row['score'], point)


_METADATA = b'afformer'
# Bytes of a block of a remote Parquet file, of which several are kept.
_BLOCK = 1 << 20


def parquet_file(path: Path) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises:
        OSError, VideoError, pyarrow.ArrowInvalid: the file is missing or damaged.
    """
    if (url := url_of(path)) is None:
        return pq.ParquetFile(path, memory_map=True)
    return pq.ParquetFile(pa.PythonFile(RemoteFile(url, _BLOCK, 'blockcache'), mode='r'))


@contextmanager
def damage_told(name: str, remedy: str) -> Iterator[None]:
    """Raise errors of reading a file as one clear error.

    Args:
        name: name of the file, with what happens to it.
        remedy: what the user can do, as a sentence without a full stop.

    Raises:
        DatasetError: the file is missing or damaged.
    """
    try:
        yield
    except (AfformerError, pa.ArrowException, KeyError, OSError, TypeError, ValueError) as error:
        told = ' '.join(str(error).split())
        raise DatasetError(f'{name}: {told}. {remedy}') from error


def parquet_bytes(
    groups: Iterable[list[dict[str, Any]]], schema: pa.Schema, facts: Mapping[str, Any]
) -> bytes:
    """Return the bytes of a Parquet file.

    Args:
        groups: rows of each row group.
        schema: schema of the rows.
        facts: JSON object for the metadata of the file.
    """
    written = pa.BufferOutputStream()
    named = schema.with_metadata({_METADATA: json.dumps(facts).encode()})
    with pq.ParquetWriter(written, named, compression='zstd') as writer:
        for rows in groups:
            writer.write_table(pa.Table.from_pylist(rows, named))
    return bytes(written.getvalue())


def parquet_facts(file: pq.ParquetFile, path: Path) -> dict[str, Any]:
    """Return the facts that `parquet_bytes` stored.

    Raises:
        ValueError: there are none.
    """
    metadata = file.schema_arrow.metadata or {}
    if _METADATA not in metadata:
        raise ValueError(f'{address(path)} has no metadata of afformer')
    return dict(json.loads(metadata[_METADATA]))
