# SPDX-License-Identifier: Apache-2.0
"""The index of mined videos: hands that touch objects, with times and boxes.

An index contains no frames. It refers to videos, relative to its own folder:

- `index.json`: its settings, the unreadable videos, and its shards
- `shards/`: Parquet files of videos and of clips
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from afformer_core.errors import DatasetError, VideoError
from afformer_core.hands.hand import Hand
from afformer_core.licences import Ingredient, Origin
from afformer_core.media.lens import LensIntrinsics
from afformer_core.offline.maskahand.mining.index_files import (
    HAND,
    absolute,
    hand_of_row,
    hand_row,
    parquet_bytes,
    parquet_file,
    read_file,
    relative,
    remove_file,
    write_file,
    written_files,
)
from afformer_core.offline.maskahand.mining.mined_video import (
    HandIndex,
    MinedVideo,
    interacting_hands,
)
from afformer_core.offline.maskahand.sources.urls import address

SHARDS_FOLDER = 'shards'
_VERSION = 1
SHARD_KINDS = ('videos', 'clips')
SHARD_KEYS = (*SHARD_KINDS, 'video_count', 'clip_count')
# Examined frames in a row group, which can be read without the others.
_GROUP_FRAMES = 4096

VIDEO_SCHEMA = pa.schema(
    [
        ('path', pa.string()),
        ('topic', pa.string()),
        ('content', pa.string()),
        ('width', pa.int32()),
        ('height', pa.int32()),
        ('times', pa.list_(pa.float64())),
        ('hands', pa.list_(HAND)),
        ('clips', pa.list_(pa.list_(pa.int32(), 2))),
        # The calibration with which frames are undistorted, as JSON; null if they are not.
        ('lens', pa.string()),
        # The dataset and its licence; null if unknown.
        ('source', pa.string()),
        ('licence', pa.string()),
    ]
)
CLIP_SCHEMA = pa.schema(
    [
        ('video', pa.int32()),
        ('first', pa.int32()),
        ('last', pa.int32()),
        ('start', pa.float64()),
        ('stop', pa.float64()),
        # Frames of the clip in which a hand interacts, and the highest score of such a hand.
        ('interactions', pa.int32()),
        ('score', pa.float64()),
        ('path', pa.dictionary(pa.int32(), pa.string())),
        ('topic', pa.dictionary(pa.int32(), pa.string())),
        ('content', pa.dictionary(pa.int32(), pa.string())),
    ]
)


def write_shard(
    folder: Path,
    videos: Sequence[MinedVideo],
    interaction_score: float,
    present: Collection[Path],
) -> dict[str, Any]:
    """Write the shard of some videos, unless it exists.

    Args:
        folder: folder of the index.
        videos: videos, in order.
        interaction_score: minimum score for a hand in contact to count as an interaction.
        present: files of shards that were written before.

    Returns:
        names of both files, relative to the folder, and numbers of their rows.

    Raises:
        DatasetError: it cannot be written.
    """
    clips = [
        row
        for number, video in enumerate(videos)
        for row in _clip_rows(number, video, interaction_score, folder)
    ]
    table = pa.Table.from_pylist(clips, CLIP_SCHEMA)
    return {
        'videos': _written(folder, 'videos', _video_bytes(videos, folder), present),
        'clips': _written(folder, 'clips', _bytes('clips', [table], CLIP_SCHEMA), present),
        'video_count': len(videos),
        'clip_count': len(clips),
    }


def open_shard(folder: Path, shard: Mapping[str, Any], kind: str = 'videos') -> pq.ParquetFile:
    """Open a file of a shard, given the description from `write_shard`.

    Raises:
        OSError, pyarrow.ArrowInvalid: the file is missing or damaged.
    """
    return parquet_file(folder / shard[kind])


@contextmanager
def shard_damage_told(path: Path) -> Iterator[None]:
    """Raise errors of reading a shard as one clear error."""
    try:
        yield
    except (OSError, VideoError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        told = ' '.join(str(error).split())
        raise DatasetError(
            f'shard {path} of the index cannot be read: {told}. Mine again; the detection is not '
            'repeated'
        ) from error


def video_of_row(row: Mapping[str, Any], folder: Path) -> MinedVideo:
    """Convert a row of `VIDEO_SCHEMA` to a video.

    Args:
        row: values by column.
        folder: folder of the index.

    Raises:
        ValueError, VideoError: the values are not a valid video.
    """
    hands: dict[int, list[Hand]] = {}
    for fields in row['hands']:
        hands.setdefault(fields['frame'], []).append(hand_of_row(fields))
    return MinedVideo(
        path=absolute(row['path'], folder),
        topic=row['topic'],
        size=(row['width'], row['height']),
        times=tuple(row['times']),
        hands={frame: tuple(found) for frame, found in hands.items()},
        clips=tuple((first, last) for first, last in row['clips']),
        content=row['content'],
        # Older indexes have no such columns.
        lens=LensIntrinsics.from_json(row['lens']) if row.get('lens') else None,
        origin=Origin(row['source'], row['licence']) if row.get('source') else None,
    )


def _video_bytes(videos: Sequence[MinedVideo], folder: Path) -> bytes:
    groups: list[pa.Table] = []
    group: list[dict[str, Any]] = []
    frames = 0
    for video in videos:
        group.append(_video_row(video, folder))
        frames += len(video.times)
        if frames >= _GROUP_FRAMES:
            groups.append(pa.Table.from_pylist(group, VIDEO_SCHEMA))
            group, frames = [], 0
    if group:
        groups.append(pa.Table.from_pylist(group, VIDEO_SCHEMA))
    return _bytes('videos', groups, VIDEO_SCHEMA)


def _bytes(kind: str, groups: list[pa.Table], schema: pa.Schema) -> bytes:
    facts = {'format': f'afformer-hand-index-{kind}', 'version': _VERSION}
    return parquet_bytes(groups, schema, facts)


def _written(folder: Path, kind: str, content: bytes, present: Collection[Path]) -> str:
    name = f'{SHARDS_FOLDER}/{kind}-{hashlib.sha256(content).hexdigest()[:16]}.parquet'
    if folder / name not in present:
        write_file(folder / name, content)
    return name


def _video_row(video: MinedVideo, folder: Path) -> dict[str, Any]:
    return {
        'path': relative(video.path, folder),
        'topic': video.topic,
        'content': video.content,
        'width': video.size[0],
        'height': video.size[1],
        'times': video.times,
        'hands': [
            hand_row(number, hand)
            for number in sorted(video.hands)
            for hand in video.hands[number]
        ],
        'clips': video.clips,
        'lens': None if video.lens is None else video.lens.to_json(),
        'source': None if video.origin is None else video.origin.source,
        'licence': None if video.origin is None else video.origin.licence,
    }


def _clip_rows(
    number: int, video: MinedVideo, interaction_score: float, folder: Path
) -> list[dict[str, Any]]:
    rows = []
    best = {
        frame: max(hand.score for hand in interacting)
        for frame in video.hands
        if (interacting := interacting_hands(video, frame, interaction_score))
    }
    for first, last in video.clips:
        scores = [best[frame] for frame in range(first, last + 1) if frame in best]
        rows.append(
            {
                'video': number,
                'first': first,
                'last': last,
                'start': video.times[first],
                'stop': video.times[last],
                'interactions': len(scores),
                'score': max(scores, default=0.0),
                'path': relative(video.path, folder),
                'topic': video.topic,
                'content': video.content,
            }
        )
    return rows


__all__ = ['HandIndex', 'MinedVideo', 'read_index', 'write_videos']

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
    present = written_files(folder / SHARDS_FOLDER)
    clips: Counter[Origin] = Counter()
    counted = _counted(videos, clips)
    shards = tuple(
        write_shard(folder, shard, interaction_score, present) for shard in _sharded(counted)
    )
    origins = tuple(
        Ingredient('training data', origin, count) for origin, count in sorted(clips.items())
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
