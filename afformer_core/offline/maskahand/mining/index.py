# SPDX-License-Identifier: Apache-2.0
"""The index of mined videos: hands that touch objects, with times and boxes.

An index contains no frames. It refers to videos, relative to its own folder:

- `index.json`: its settings, the unreadable videos, and its shards
- `shards/`: Parquet files of videos and of clips (see `shards`)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import DatasetError, VideoError
from afformer_core.licences import Ingredient, Origin
from afformer_core.offline.maskahand.mining.index_files import (
    read_file,
    remove_file,
    write_file,
    written_files,
)
from afformer_core.offline.maskahand.mining.mined_video import HandIndex, MinedVideo
from afformer_core.offline.maskahand.mining.shards import (
    SHARD_KEYS,
    SHARD_KINDS,
    SHARDS_FOLDER,
    open_shard,
    shard_damage_told,
    video_of_row,
    write_shard,
)
from afformer_core.offline.maskahand.mining.video_paths import absolute, relative
from afformer_core.offline.maskahand.sources.urls import address

__all__ = ['HandIndex', 'MinedVideo', 'read_index', 'write_index']

FORMAT = 'afformer-hand-index'
VERSION = 2
# Examined frames of a shard: about 11 hours at 5 frames per second.
_SHARD_FRAMES = 200_000


@dataclass(frozen=True)
class IndexHead:
    """An index without its rows.

    Attributes:
        settings, interaction_score, broken: those of `HandIndex`.
        shards: names of the files of each shard and numbers of their rows, as `write_shard`
            returns them.
        origins: datasets with known licences, each with its number of clips.
    """

    settings: Mapping[str, Any]
    interaction_score: float
    broken: tuple[tuple[Path, str], ...]
    shards: tuple[Mapping[str, Any], ...]
    origins: tuple[Ingredient, ...] = ()

    @property
    def clips(self) -> int:
        """Number of clips."""
        return sum(shard['clip_count'] for shard in self.shards)

    @property
    def videos(self) -> int:
        """Number of videos."""
        return sum(shard['video_count'] for shard in self.shards)


def write_index(path: Path, index: HandIndex) -> None:
    """Write an index atomically and deterministically.

    Raises:
        DatasetError: it cannot be written.
    """
    write_videos(path, index.settings, index.interaction_score, index.videos, index.broken)


def write_videos(
    path: Path,
    settings: Mapping[str, Any],
    interaction_score: float,
    videos: Iterable[MinedVideo],
    broken: Iterable[tuple[Path, str]],
    made: Mapping[str, Any] | None = None,
) -> IndexHead:
    """Write an index from a stream of videos, with those of one shard in memory.

    Args:
        path: path of `index.json`.
        settings, interaction_score: those of `HandIndex`.
        videos: the videos, in the order of their paths.
        broken: (path, reason) of videos that could not be read completely, iterated over after the
            videos.
        made: where the index comes from (see `provenance`).

    Raises:
        DatasetError: it cannot be written.
    """
    folder = path.parent
    clips: Counter[Origin] = Counter()
    counted = _counted(videos, clips)
    present = written_files(folder / SHARDS_FOLDER)
    shards = tuple(
        write_shard(folder, shard, interaction_score, present) for shard in _sharded(counted)
    )
    origins = tuple(
        Ingredient('training data', *origin_and_count)
        for origin_and_count in sorted(clips.items())
    )
    head = IndexHead(dict(settings), interaction_score, tuple(broken), shards, origins)
    fields = {
        'format': FORMAT,
        'version': VERSION,
        'settings': head.settings,
        'interaction_score': interaction_score,
        'shards': shards,
        'broken': [
            {'path': relative(video, folder), 'reason': reason} for video, reason in head.broken
        ],
    }
    if origins:
        fields['origins'] = [origin.to_json() for origin in origins]
    if made is not None:
        fields['provenance'] = made
    replaced = _shard_files(path) - {shard[kind] for shard in shards for kind in SHARD_KINDS}
    write_file(path, (json.dumps(fields) + '\n').encode())
    for name in replaced:
        remove_file(folder / name)
    return head


def read_index(path: Path) -> HandIndex:
    """Read an index with all its videos.

    Raises:
        DatasetError: the file is missing, damaged, or not an index that this release can read.
    """
    head = read_head(path)
    videos = tuple(read_videos(path.parent, head))
    return HandIndex(head.settings, head.interaction_score, videos, head.broken)


def read_head(path: Path) -> IndexHead:
    """Read an index of shards without its rows.

    Raises:
        DatasetError: the file is missing, damaged, or not an index that this release can read.
    """
    fields = _fields(path)
    with _damage_told(path):
        return IndexHead(
            dict(fields['settings']),
            float(fields['interaction_score']),
            tuple(
                (absolute(broken['path'], path.parent), broken['reason'])
                for broken in fields['broken']
            ),
            tuple({key: shard[key] for key in SHARD_KEYS} for shard in fields['shards']),
            tuple(map(Ingredient.from_json, fields.get('origins', ()))),
        )


def read_videos(folder: Path, head: IndexHead) -> Iterator[MinedVideo]:
    """Read the videos of an index one after another.

    Args:
        folder: folder of the index.
        head: its head.

    Raises:
        DatasetError: a shard is missing or damaged.
    """
    for shard in head.shards:
        with shard_damage_told(folder / shard['videos']), open_shard(folder, shard) as opened:
            for group in range(opened.num_row_groups):
                for row in opened.read_row_group(group).to_pylist():
                    yield video_of_row(row, folder)


def _counted(videos: Iterable[MinedVideo], clips: Counter[Origin]) -> Iterator[MinedVideo]:
    for video in videos:
        if video.origin is not None:
            clips[video.origin] += len(video.clips)
        yield video


def _sharded(videos: Iterable[MinedVideo]) -> Iterator[list[MinedVideo]]:
    shard: list[MinedVideo] = []
    frames = 0
    for video in videos:
        shard.append(video)
        frames += len(video.times)
        if frames >= _SHARD_FRAMES:
            yield shard
            shard, frames = [], 0
    if shard:
        yield shard


def _shard_files(path: Path) -> set[str]:
    """Return the files of shards that an index names; empty if the index is missing or damaged."""
    try:
        shards = read_head(path).shards
    except DatasetError:
        return set()
    return {shard[kind] for shard in shards for kind in SHARD_KINDS}


def _fields(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(read_file(path))
    except (OSError, ValueError, VideoError) as error:
        raise DatasetError(
            f'index {address(path)} cannot be read: {error}. Write one with `afformer mine`'
        ) from error
    found = (fields.get('format'), fields.get('version')) if isinstance(fields, dict) else fields
    if found != (FORMAT, VERSION):
        raise DatasetError(
            f'{path} is {found}; expected an index of hands of version {VERSION}. Write one with '
            '`afformer mine`'
        )
    return dict(fields)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f'index {path} is damaged: {error}. Mine again') from error
