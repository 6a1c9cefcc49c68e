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
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from afformer_core.errors import DatasetError, VideoError
from afformer_core.hands.hand import Hand
from afformer_core.licences import Ingredient, Origin
from afformer_core.media.lens import LensIntrinsics
from afformer_core.offline.maskahand.mining.index_files import (
    HAND,
    absolute,
    damage_told,
    hand_of_row,
    hand_row,
    parquet_bytes,
    parquet_file,
    relative,
)
from afformer_core.offline.maskahand.sources.urls import (
    address,
    read_file,
    remove_file,
    write_file,
    written_files,
)

__all__ = ['HandIndex', 'MinedVideo', 'read_index', 'write_videos']

_FORMAT, _VERSION = 'afformer-hand-index', 2
_SHARDS_FOLDER = 'shards'
# Examined frames of a shard: about 11 hours at 5 frames per second.
_SHARD_FRAMES = 200_000
# Examined frames in a row group, which can be read without the others.
_GROUP_FRAMES = 4096

SCHEMAS = {
    'videos': pa.schema(
        [
            ('path', pa.string()),
            ('topic', pa.string()),
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
    ),
    'clips': pa.schema(
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
        ]
    ),
}


@dataclass(frozen=True)
class IndexHead:
    """An index without its rows.

    Attributes:
        settings, interaction_score, broken: those of `HandIndex`.
        shards: names of the files of each shard, relative to the folder of the index, and numbers
            of their rows: `videos`, `clips`, `video_count` and `clip_count`.
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
    present = written_files(folder / _SHARDS_FOLDER)
    clips: Counter[Origin] = Counter()
    shards = []
    for shard in _runs(videos, _SHARD_FRAMES):
        shards.append(_write_shard(folder, shard, interaction_score, present))
        for video in shard:
            if video.origin is not None:
                clips[video.origin] += len(video.clips)
    origins = tuple(
        Ingredient('training data', origin, count) for origin, count in sorted(clips.items())
    )
    head = IndexHead(dict(settings), interaction_score, tuple(broken), tuple(shards), origins)
    fields = {
        'format': _FORMAT,
        'version': _VERSION,
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
    replaced: set[str] = set()
    with suppress(DatasetError):
        # Those of an earlier index, if it is not damaged.
        replaced = _files(read_head(path).shards)
    write_file(path, (json.dumps(fields) + '\n').encode())
    for name in replaced - _files(shards):
        remove_file(folder / name)
    return head


def read_index(path: Path) -> HandIndex:
    """Read an index with all its videos.

    Raises:
        DatasetError: the file is missing, damaged, or not an index that this release can read.
    """
    head = read_head(path)
    videos: list[MinedVideo] = []
    for shard in head.shards:
        file = path.parent / shard['videos']
        with shard_damage_told(file), parquet_file(file) as opened:
            videos += [video_of_row(row, path.parent) for row in opened.read().to_pylist()]
    return HandIndex(head.settings, head.interaction_score, tuple(videos), head.broken)


def read_head(path: Path) -> IndexHead:
    """Read an index of shards without its rows.

    Raises:
        DatasetError: the file is missing, damaged, or not an index that this release can read.
    """
    try:
        fields = json.loads(read_file(path))
    except (OSError, ValueError, VideoError) as error:
        raise DatasetError(
            f'index {address(path)} cannot be read: {error}. Write one with `afformer mine`'
        ) from error
    found = (fields.get('format'), fields.get('version')) if isinstance(fields, dict) else fields
    if found != (_FORMAT, _VERSION):
        raise DatasetError(
            f'{path} is {found}; expected an index of hands of version {_VERSION}. Write one with '
            '`afformer mine`'
        )
    return IndexHead(
        dict(fields['settings']),
        float(fields['interaction_score']),
        tuple(
            (absolute(broken['path'], path.parent), broken['reason'])
            for broken in fields['broken']
        ),
        tuple(fields['shards']),
        tuple(map(Ingredient.from_json, fields.get('origins', ()))),
    )


def _write_shard(
    folder: Path, videos: Sequence[MinedVideo], score: float, present: Collection[Path]
) -> dict[str, Any]:
    """Write both files of a shard, unless they exist; return its description (see `IndexHead`)."""
    groups = ([_video_row(video, folder) for video in run] for run in _runs(videos, _GROUP_FRAMES))
    clips = [row for n, video in enumerate(videos) for row in _clip_rows(n, video, score, folder)]
    shard: dict[str, Any] = {'video_count': len(videos), 'clip_count': len(clips)}
    for kind, rows in (('videos', groups), ('clips', [clips])):
        facts = {'format': f'{_FORMAT}-{kind}', 'version': 1}
        content = parquet_bytes(rows, SCHEMAS[kind], facts)
        digest = hashlib.sha256(content).hexdigest()[:16]
        shard[kind] = f'{_SHARDS_FOLDER}/{kind}-{digest}.parquet'
        if folder / shard[kind] not in present:
            write_file(folder / shard[kind], content)
    return shard


def _runs(videos: Iterable[MinedVideo], frames: int) -> Iterator[list[MinedVideo]]:
    """Yield runs of videos, each but the last with at least a number of frames."""
    run: list[MinedVideo] = []
    count = 0
    for video in videos:
        run.append(video)
        count += len(video.times)
        if count >= frames:
            yield run
            run, count = [], 0
    if run:
        yield run


def _files(shards: Iterable[Mapping[str, Any]]) -> set[str]:
    return {shard[kind] for shard in shards for kind in SCHEMAS}


def _video_row(video: MinedVideo, folder: Path) -> dict[str, Any]:
    return {
        'path': relative(video.path, folder),
        'topic': video.topic,
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
            }
        )
    return rows


def shard_damage_told(path: Path) -> AbstractContextManager[None]:
    """Raise errors of reading a shard as one clear error (see `damage_told`)."""
    name = f'shard {path} of the index cannot be read'
    return damage_told(name, 'Mine again; the detection is not repeated')


def video_of_row(row: Mapping[str, Any], folder: Path) -> MinedVideo:
    """Convert a row of a shard to a video.

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
        # Older indexes have no such columns.
        lens=LensIntrinsics.from_json(row['lens']) if row.get('lens') else None,
        origin=Origin(row['source'], row['licence']) if row.get('source') else None,
    )


@dataclass(frozen=True, kw_only=True)
class MinedVideo:
    """A video with detected hands.

    Attributes:
        path: path of the file, the folder of frames, the bag or the tar.
        topic: topic of the images in a bag, name of the video in a tar, or `t=BEGIN,END` of a part
            of a video; empty otherwise.
        size: (width, height) of its frames in pixels.
        times: seconds from its first frame of each examined frame, increasing.
        hands: hands in an examined frame, best first, by the frame's number; frames without hands
            are left out.
        clips: (first, last) number of the frames of each clip with an interaction.
        lens: calibration with which its frames were undistorted; None: not undistorted.
        origin: its dataset, with the licence; None if unknown.
    """

    path: Path
    topic: str
    size: tuple[int, int]
    times: tuple[float, ...]
    hands: Mapping[int, tuple[Hand, ...]]
    clips: tuple[tuple[int, int], ...]
    lens: LensIntrinsics | None = None
    origin: Origin | None = None


@dataclass(frozen=True)
class HandIndex:
    """An index of mined videos.

    Attributes:
        settings: settings of mining: the detector's name, the rate, length and stride of clips,
            and the `folder_rate` of folders of frames, or None.
        interaction_score: minimum score for a hand in contact to count as an interaction.
        videos: examined videos, in the order of their paths.
        broken: (path, reason) of videos that could not be read completely.
    """

    settings: Mapping[str, Any]
    interaction_score: float
    videos: tuple[MinedVideo, ...]
    broken: tuple[tuple[Path, str], ...] = ()


def interacting_hands(video: MinedVideo, number: int, score: float) -> tuple[Hand, ...]:
    """Return the hands that interact in a frame of a video, if the frame exists.

    Args:
        video: mined video.
        number: number of the frame.
        score: minimum score for a hand in contact to count as an interaction.
    """
    return tuple(
        hand
        for hand in video.hands.get(number, ())
        if hand.contact and hand.score >= score and _in_view(hand, video)
    )


def _in_view(hand: Hand, video: MinedVideo) -> bool:
    left, top, right, bottom = hand.box
    width, height = video.size
    return min(right, width) - max(left, 0) > 1e-3 and min(bottom, height) - max(top, 0) > 1e-3
