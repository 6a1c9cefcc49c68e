# SPDX-License-Identifier: Apache-2.0
"""The clips of indexes of shards, whose videos are read from disk on demand."""

from __future__ import annotations

import os
from collections import Counter
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
from afformer_core.offline.maskahand.mining.index import (
    IndexHead,
    read_head,
    shard_damage_told,
    video_of_row,
)
from afformer_core.offline.maskahand.mining.index_files import parquet_file
from afformer_core.offline.maskahand.mining.mined_video import MinedVideo

_COLUMNS = ['video', 'first', 'last', 'start', 'stop', 'interactions', 'score']
# Row groups that a process keeps, each about 15 minutes of video, and videos of which it keeps all
# hands as Python's objects.
_KEPT_GROUPS, _KEPT_VIDEOS = 64, 64


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
        copies: Counter[int] = Counter()
        for folder, head in heads.items():
            for shard in head.shards:
                columns.append(_columns(folder / shard['clips'], len(shards), known, copies))
                shards.append((folder / shard['videos'], folder))
        joined = {
            name: np.concatenate([shard[name] for shard in columns] or [np.zeros(0)])
            for name in ('shard', 'content', *_COLUMNS)
        }
        content = joined.pop('content')
        opened = cls(heads, tuple(shards), joined)
        copied = [code for code, count in copies.items() if count > 1]
        if not copied:
            return opened
        # Only these are sorted, which takes long for many clips.
        among = np.flatnonzero(np.isin(content, copied))
        facts = [column[among] for column in (content, joined['start'], joined['stop'])]
        again = np.delete(among, _first_of_equals(*facts))
        kept = np.ones(len(content), bool)
        kept[again] = False
        return opened.only(kept)

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
            return _video(path, folder, group, row - int(starts[group]), os.getpid())

    def window(self, number: int) -> tuple[int, int]:
        """Return the first and last frame of a clip."""
        return int(self.columns['first'][number]), int(self.columns['last'][number])


def _columns(
    path: Path, shard: int, known: dict[tuple[str, str], int], copies: Counter[int]
) -> dict[str, NDArray[Any]]:
    """Read the columns of the clips of a shard, and an identifier of equal contents.

    Args:
        path: path of the file.
        shard: number of the shard.
        known: identifier of each content, which is extended.
        copies: number of videos with each identifier, which is increased.
    """
    with shard_damage_told(path), parquet_file(path) as file:
        table = file.read([*_COLUMNS, 'content', 'topic'])
    columns = {name: table[name].to_numpy() for name in _COLUMNS}
    # The clips of a video follow one another.
    video = columns['video']
    begins = np.flatnonzero(np.diff(video, prepend=-1))
    firsts = table.select(['video', 'content', 'topic']).take(pa.array(begins)).to_pylist()
    codes = [
        known.setdefault(
            (row['content'], row['topic']) if row['content'] else (f'{shard}', f'{row["video"]}'),
            len(known),
        )
        for row in firsts
    ]
    copies.update(codes)
    counts = np.diff(begins, append=len(video))
    columns['content'] = np.repeat(np.array(codes, np.int32), counts)
    columns['shard'] = np.full(len(video), shard, np.int32)
    return columns


def _first_of_equals(*columns: NDArray[Any]) -> NDArray[np.int64]:
    """Return the numbers of the rows that differ from every earlier row, in order."""
    order = np.lexsort(columns)
    differs = np.any([np.diff(shard[order]) != 0 for shard in columns], axis=0)
    return np.sort(order[np.concatenate([[True], differs])[: len(order)]])


# A forked process must not read through the files that its parent opened.
@lru_cache(maxsize=64)
def _opened(path: Path, process: int) -> pq.ParquetFile:
    return parquet_file(path)


@lru_cache(maxsize=512)
def _group_starts(path: Path, process: int) -> NDArray[np.int64]:
    metadata = _opened(path, process).metadata
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return np.cumsum([0, *counts[:-1]])


@lru_cache(maxsize=_KEPT_GROUPS)
def _group(path: Path, group: int, process: int) -> pa.Table:
    return _opened(path, process).read_row_group(group, use_threads=False)


@lru_cache(maxsize=_KEPT_VIDEOS)
def _video(path: Path, folder: Path, group: int, row: int, process: int) -> MinedVideo:
    [fields] = _group(path, group, process).slice(row, 1).to_pylist()
    return video_of_row(fields, folder)


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
