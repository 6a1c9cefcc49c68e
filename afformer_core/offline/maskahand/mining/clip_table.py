# SPDX-License-Identifier: Apache-2.0
"""The clips of an index, whose videos are read from disk on demand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from afformer_core.offline.maskahand.mining.index import (
    IndexHead,
    MinedVideo,
    read_head,
    shard_damage_told,
    video_of_row,
)
from afformer_core.offline.maskahand.mining.index_files import parquet_file

_COLUMNS = ('video', 'first', 'last', 'start', 'stop', 'interactions', 'score')
# Row groups that a process keeps, each about 15 minutes of video, and videos of which it keeps all
# hands as Python's objects.
_KEPT_GROUPS, _KEPT_VIDEOS = 64, 64


@dataclass(frozen=True)
class ClipTable:
    """The clips of an index.

    The columns of a million clips take 50 megabytes; hands and times are read from disk for each
    requested clip.

    Attributes:
        folder: folder of the index.
        head: head of the index.
        columns: arrays [N]: `shard`, number among the index's; `video`, row in the shard;
            `first` and `last` frame; `start` and `stop` in seconds; `interactions`, number of
            frames in which a hand interacts; `score`, the highest of such a hand.
    """

    folder: Path
    head: IndexHead
    columns: Mapping[str, NDArray[Any]]

    @classmethod
    def open(cls, path: Path) -> ClipTable:
        """Open the clips of an index.

        Args:
            path: path of its `index.json`.

        Raises:
            DatasetError: the index or a shard is missing or damaged.
        """
        head = read_head(path)
        shards: list[dict[str, NDArray[Any]]] = []
        for number, shard in enumerate(head.shards):
            file_path = path.parent / shard['clips']
            with shard_damage_told(file_path), parquet_file(file_path) as file:
                table = file.read(list(_COLUMNS))
            columns = {name: table[name].to_numpy() for name in _COLUMNS}
            shards.append({'shard': np.full(len(table), number, np.int32), **columns})
        joined = {
            name: np.concatenate([columns[name] for columns in shards] or [np.zeros(0)])
            for name in ('shard', *_COLUMNS)
        }
        return cls(path.parent, head, joined)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.columns['first'])

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> ClipTable:
        """Select clips by a mask [N] or by their numbers."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return ClipTable(self.folder, self.head, columns)

    def video(self, number: int) -> MinedVideo:
        """Read the video of a clip, with all its hands.

        Raises:
            DatasetError: its shard is missing or damaged.
        """
        shard = self.head.shards[int(self.columns['shard'][number])]
        path = self.folder / shard['videos']
        with shard_damage_told(path):
            row = int(self.columns['video'][number])
            _, starts = _opened(path, os.getpid())
            group = int(np.searchsorted(starts, row, side='right')) - 1
            return _video(path, self.folder, group, row - int(starts[group]), os.getpid())

    def window(self, number: int) -> tuple[int, int]:
        """Return the first and last frame of a clip."""
        return int(self.columns['first'][number]), int(self.columns['last'][number])


# A forked process must not read through the files that its parent opened.
@lru_cache(maxsize=64)
def _opened(path: Path, process: int) -> tuple[pq.ParquetFile, NDArray[np.int64]]:
    """Open a file; return it with the first row of each row group."""
    file = parquet_file(path)
    counts = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return file, np.cumsum([0, *counts[:-1]])


@lru_cache(maxsize=_KEPT_GROUPS)
def _group(path: Path, group: int, process: int) -> pa.Table:
    file, _ = _opened(path, process)
    return file.read_row_group(group, use_threads=False)


@lru_cache(maxsize=_KEPT_VIDEOS)
def _video(path: Path, folder: Path, group: int, row: int, process: int) -> MinedVideo:
    [fields] = _group(path, group, process).slice(row, 1).to_pylist()
    return video_of_row(fields, folder)
