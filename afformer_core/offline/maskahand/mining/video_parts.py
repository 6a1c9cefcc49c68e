# SPDX-License-Identifier: Apache-2.0
"""The division of long videos into parts, and the joining of their results."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, TypeVar

from afformer_core.errors import AfformerError
from afformer_core.hands.hand import LOWEST_SCORE, Hand
from afformer_core.offline.maskahand.mining.index_files import relative
from afformer_core.offline.maskahand.mining.mined_part import (
    MinedPart,
    part_damage,
    read_part,
    size_change,
)
from afformer_core.offline.maskahand.sources import FrameSource
from afformer_core.offline.maskahand.sources.urls import without_folder, written_files

Item = TypeVar('Item')
Result = TypeVar('Result')

PARTS_FOLDER = 'parts'
# Number of sources, and of parts, that are opened at once.
_AT_ONCE = 16
# Increment when the same detector would find different hands, or the format of parts changes.
_VERSION = 3


@dataclass(frozen=True)
class MiningPart:
    """A part of a video.

    Attributes:
        source: the video.
        start, stop: begin and end in seconds; the end is not included.
        frames: approximate number of examined frames.
        file: file of the result, in a folder for each video.
        facts: facts of the video and of the run, for the metadata of the file.
    """

    source: FrameSource
    start: float
    stop: float
    frames: int
    file: Path
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class VideoParts:
    """A video and all its parts, in order.

    Attributes:
        source: the video.
        parts: its parts.
    """

    source: FrameSource
    parts: tuple[MiningPart, ...]


def video_parts(
    sources: Iterable[FrameSource], output: Path, detector: str, rate: float, part_frames: int
) -> tuple[list[VideoParts], list[tuple[Path, str]]]:
    """Divide videos into parts.

    The result of a part is identified by the path of its video relative to `output`, the size and
    modification time of the video's files, and everything else on which it depends.

    Args:
        sources: the videos.
        output: folder of the index.
        detector: name of the detector.
        rate: examined frames per second.
        part_frames: largest number of examined frames in a part.

    Returns:
        the videos that can be read, and (path, reason) of the others.
    """
    length = part_frames / rate

    def divided(source: FrameSource) -> VideoParts:
        duration, windows = source.duration(), source.windows(length)
        facts = {
            'video': relative(source.path, output), 'topic': source.topic,
            'fingerprint': source.fingerprint(), 'detector': detector, 'rate': rate,
            'part_frames': part_frames,
        }  # fmt: skip
        identity = json.dumps((_VERSION, *facts.values(), LOWEST_SCORE))
        folder = output / PARTS_FOLDER / hashlib.sha256(identity.encode()).hexdigest()[:16]
        frames = 0 if duration is None else max(1, round(duration * rate))
        parts = tuple(
            MiningPart(
                source,
                number * length,
                # A video may be longer than its stored duration.
                math.inf if number == windows[-1] else (number + 1) * length,
                min(part_frames, max(0, frames - number * part_frames)),
                folder / f'{number:05}.parquet',
                facts,
            )
            for number in windows
        )
        return VideoParts(source, parts)

    def divided_or_broken(source: FrameSource) -> VideoParts | tuple[Path, str]:
        try:
            return divided(source)
        except (AfformerError, OSError) as error:
            return source.path, _about(source, str(error))

    found = list(_at_once(divided_or_broken, sources))
    videos = [video for video in found if isinstance(video, VideoParts)]
    return videos, [broken for broken in found if not isinstance(broken, VideoParts)]


def _at_once(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the results of a function in order, of which several are computed at once.

    A bucket has a high latency, but handles many requests at once.
    """
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)


def missing_parts(output: Path, parts: Sequence[MiningPart]) -> list[MiningPart]:
    """Return the parts that were not examined to their end.

    Args:
        output: folder of the index.
        parts: all parts.

    Raises:
        DatasetError: the file of a part was altered, or the folder cannot be listed.
    """
    written = written_files(output / PARTS_FOLDER)
    missing = _at_once(lambda part: part.file not in written or part_damage(part.file), parts)
    return [*compress(parts, missing)]


def joined(video: VideoParts) -> tuple[MinedPart, str]:
    """Join the results of all parts of a video, up to the first that is damaged.

    Returns:
        the result; and the problem of the video, including how far it was read and which frames
        were left out; empty if none.

    Raises:
        DatasetError: a part was not examined, or its file was altered.
    """
    size: tuple[int, int] = (0, 0)
    times: list[float] = []
    hands: dict[int, tuple[Hand, ...]] = {}
    damage, loss, lost = '', '', 0
    for seen in _at_once(read_part, [part.file for part in video.parts]):
        lost, loss = lost + seen.lost, loss or seen.loss
        if times and seen.times and seen.size != size:
            damage = size_change(seen.size, size)
            break
        size = seen.size if seen.times else size
        hands |= {len(times) + number: found for number, found in seen.hands.items()}
        times += seen.times
        if damage := seen.damage:
            break
    said = []
    if damage:
        read = f'was read up to {times[-1]:.2f} s' if times else 'no frame could be read'
        said.append(f'{read}: {damage}')
    if lost:
        said.append(f'{lost} of {lost + len(times)} frames were left out, the first {loss}')
    wrong = _about(video.source, '; '.join(said)) if said else ''
    return MinedPart(size, tuple(times), hands), wrong


def _about(source: FrameSource, text: str) -> str:
    told = without_folder(' '.join(text.split()), source.path)
    if not source.topic:
        return told
    # Only a topic of a bag begins with a slash, unlike a video in a tar or a part of a video.
    kind = 'topic' if source.topic.startswith('/') else 'part'
    return f'{kind} {source.topic}: {told}'
