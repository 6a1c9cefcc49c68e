# SPDX-License-Identifier: Apache-2.0
"""The clips of indexes of shards, whose videos are read from disk on demand."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.maskahand.mining.index import IndexHead, read_head
from afformer_core.maskahand.mining.mined_video import MinedVideo
from afformer_core.maskahand.mining.shards import shard_damage_told, video_of_row

_COLUMNS = ['video', 'first', 'last', 'start', 'stop', 'interactions', 'score']
# Number of decoded row groups that a process keeps, each about 15 minutes of video.
_KEPT_GROUPS = 16


@dataclass(frozen=True)
class ClipTable:
    """The clips of one or several indexes, without duplicates of videos with the same content.

    The columns of a million clips take 50 megabytes; hands and times are read from disk for each
    requested clip.

    Attributes:
        heads: heads of the indexes, by their folders.
        shards: files of the videos of all shards, and the folder of their index.
        columns: arrays [N]: `shard`, number among `shards`; `video`, row in the shard;
            `first` and `last` frame; `start` and `stop` in seconds; `interactions`, number of
            frames in which a hand interacts; `score`, the highest of such a hand.
    """

    heads: Mapping[Path, IndexHead]
    shards: tuple[tuple[Path, Path], ...]
    columns: Mapping[str, NDArray[Any]]

    @classmethod
    def open(cls, paths: Sequence[Path]) -> ClipTable:
        """Open the clips of indexes.

        Args:
            paths: paths of their `index.json`, at least one.

        Raises:
            DatasetError: an index or a shard is missing or damaged, or the indexes have different
                interaction scores or rates of folders of frames.
        """
        heads = {path.parent: read_head(path) for path in paths}
        _require_one_kind(heads)
        shards: list[tuple[Path, Path]] = []
        columns: list[dict[str, NDArray[Any]]] = []
        known: dict[tuple[str, str], int] = {}
        for folder, head in heads.items():
            for shard in head.shards:
                columns.append(_columns(folder / shard['clips'], len(shards), known))
                shards.append((folder / shard['videos'], folder))
        joined = {
            name: np.concatenate([shard[name] for shard in columns] or [np.zeros(0)])
            for name in ('shard', 'content', *_COLUMNS)
        }
        kept = _first_of_equals(joined.pop('content'), joined['start'], joined['stop'])
        return cls(heads, tuple(shards), {name: column[kept] for name, column in joined.items()})

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.columns['first'])

    @property
    def head(self) -> IndexHead:
        """Head of the first index, whose settings apply to all."""
        return next(iter(self.heads.values()))

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> ClipTable:
        """Select clips by a mask [N] or by their numbers."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return ClipTable(self.heads, self.shards, columns)

    def video(self, number: int) -> MinedVideo:
        """Read the video of a clip, with all its hands.

        Raises:
            DatasetError: its shard is missing or damaged.
        """
        path, folder = self.shards[int(self.columns['shard'][number])]
        with shard_damage_told(path):
            row = int(self.columns['video'][number])
            starts = _group_starts(path, os.getpid())
            group = int(np.searchsorted(starts, row, side='right')) - 1
            return _group(path, folder, group, os.getpid())[row - int(starts[group])]

    def window(self, number: int) -> tuple[int, int]:
        """Return the first and last frame of a clip."""
        return int(self.columns['first'][number]), int(self.columns['last'][number])


def _columns(path: Path, shard: int, known: dict[tuple[str, str], int]) -> dict[str, NDArray[Any]]:
    """Read the columns of the clips of a shard, and an identifier of equal contents."""
    with shard_damage_told(path):
        table = pq.read_table(path, columns=[*_COLUMNS, 'content', 'topic'])
    columns = {name: table[name].to_numpy() for name in _COLUMNS}
    pairs = zip(*(table[name].to_pylist() for name in ('content', 'topic')), strict=True)
    codes = [
        known.setdefault((content, topic) if content else (f'{shard}', f'{video}'), len(known))
        for (content, topic), video in zip(pairs, columns['video'].tolist(), strict=True)
    ]
    columns['content'] = np.array(codes, np.int64)
    columns['shard'] = np.full(len(codes), shard, np.int32)
    return columns


def _first_of_equals(*columns: NDArray[Any]) -> NDArray[np.int64]:
    """Return the numbers of the rows that differ from every earlier row, in order."""
    order = np.lexsort(columns)
    differs = np.any([np.diff(shard[order]) != 0 for shard in columns], axis=0)
    return np.sort(order[np.concatenate([[True], differs])[: len(order)]])


# A forked process must not read through the files that its parent opened.
@lru_cache(maxsize=8)
def _opened(path: Path, process: int) -> pq.ParquetFile:
    return pq.ParquetFile(path, memory_map=True)


@lru_cache(maxsize=512)
def _group_starts(path: Path, process: int) -> NDArray[np.int64]:
    metadata = _opened(path, process).metadata
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return np.cumsum([0, *counts[:-1]])


@lru_cache(maxsize=_KEPT_GROUPS)
def _group(path: Path, folder: Path, group: int, process: int) -> tuple[MinedVideo, ...]:
    rows: pa.Table = _opened(path, process).read_row_group(group, use_threads=False)
    return tuple(video_of_row(row, folder) for row in rows.to_pylist())


def _require_one_kind(heads: Mapping[Path, IndexHead]) -> None:
    (first, head), *others = heads.items()
    facts = (head.interaction_score, head.settings.get('folder_rate'))
    for folder, other in others:
        found = (other.interaction_score, other.settings.get('folder_rate'))
        if found != facts:
            raise DatasetError(
                f'the index in {folder} has the interaction score and folder rate {found}; '
                f'expected {facts} of {first}. Mine again with the same options'
            )
