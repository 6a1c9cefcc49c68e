# SPDX-License-Identifier: Apache-2.0
"""The division of long videos into parts, and the joining of their results."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError
from afformer_core.hands.hand import LOWEST_SCORE, Hand
from afformer_core.offline.maskahand.mining.index_files import relative, written_files
from afformer_core.offline.maskahand.mining.mined_part import (
    MinedPart,
    part_damage,
    read_part,
    size_change,
)
from afformer_core.offline.maskahand.sources import FrameSource
from afformer_core.offline.maskahand.sources.urls import address

PARTS_FOLDER = 'parts'
# Number of sources, and of parts, that are opened at once.
_AT_ONCE = 16
# Increment when the same detector would find different hands, or the format of parts changes.
_VERSION = 3


@dataclass(frozen=True)
class MiningPart:
    """A part of a video.

    Attributes:
        video: number of the video among all.
        source: the video.
        start, stop: begin and end in seconds; the end is not included.
        frames: approximate number of examined frames.
        file: file of the result.
        facts: facts of the video and of the run, for the metadata of the file.
    """

    video: int
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
        content: see `FrameSource.content`.
    """

    source: FrameSource
    parts: tuple[MiningPart, ...]
    content: str


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
    videos: list[VideoParts] = []
    broken: list[tuple[Path, str]] = []
    for source, known in _facts_of_all(sources, part_frames / rate):
        if isinstance(known, Exception):
            broken.append((source.path, _about(source, str(known))))
            continue
        facts = (
            _VERSION, relative(source.path, output), source.topic, known.fingerprint,
            detector, rate, part_frames, LOWEST_SCORE,
        )  # fmt: skip
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
        named = {
            'video': facts[1], 'topic': source.topic, 'fingerprint': known.fingerprint,
            'detector': detector, 'rate': rate, 'part_frames': part_frames,
        }  # fmt: skip
        folder = output / PARTS_FOLDER / key
        frames = 0 if known.duration is None else max(1, round(known.duration * rate))
        expected = [min(part_frames, max(0, frames - k * part_frames)) for k in known.windows]
        length = part_frames / rate
        parts = tuple(
            MiningPart(len(videos), source, start, stop, frames, folder / f'{k:05}.parquet', named)
            for (k, start, stop), frames in zip(
                _spans(known.windows, length), expected, strict=True
            )
        )
        videos.append(VideoParts(source, parts, known.content))
    return videos, broken


@dataclass(frozen=True)
class _Facts:
    """The facts of a source (see `FrameSource`)."""

    duration: float | None
    fingerprint: str
    content: str
    windows: Sequence[int]


def _facts_of_all(
    sources: Iterable[FrameSource], length: float
) -> Iterator[tuple[FrameSource, _Facts | AfformerError | OSError]]:
    """Yield each source with its facts, or an error; several are read at once.

    A bucket has a high latency, but handles many requests at once.
    """

    def facts_of(
        source: FrameSource,
    ) -> tuple[FrameSource, _Facts | AfformerError | OSError]:
        try:
            duration, fingerprint = source.duration(), source.fingerprint()
            content, windows = source.content(), source.windows(length)
        except (AfformerError, OSError) as error:
            return source, error
        return source, _Facts(duration, fingerprint, content, windows)

    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield from pool.map(facts_of, sources)
    finally:
        pool.shutdown(cancel_futures=True)


def missing_parts(output: Path, parts: Sequence[MiningPart]) -> list[int]:
    """Return the numbers of the parts that were not examined to their end.

    Args:
        output: folder of the index.
        parts: all parts.

    Raises:
        DatasetError: the file of a part was altered, or the folder cannot be listed.
    """
    written = written_files(output / PARTS_FOLDER)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        missing = pool.map(lambda part: _is_missing(part, written), parts)
        return [number for number, is_missing in enumerate(missing) if is_missing]


def _is_missing(part: MiningPart, written: Collection[Path]) -> bool:
    return part.file not in written or bool(part_damage(part.file))


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
    for seen in _read(video.parts):
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


def _read(parts: Sequence[MiningPart]) -> Iterator[MinedPart]:
    """Yield the results of parts, of which several are read at once."""
    files = [part.file for part in parts]
    if len(files) == 1:
        yield read_part(files[0])
        return
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield from pool.map(read_part, files)
    finally:
        pool.shutdown(cancel_futures=True)


def _spans(windows: Sequence[int], length: float) -> Iterator[tuple[int, float, float]]:
    """Yield each window's number with its begin and end in seconds."""
    for number in windows:
        # A video may be longer than its stored duration.
        stop = math.inf if number == windows[-1] else (number + 1) * length
        yield number, number * length, stop


def _about(source: FrameSource, text: str) -> str:
    # The index stores the relative path beside this text.
    told = ' '.join(text.split())
    for named in (address(source.path), str(source.path)):
        told = told.replace(named, source.path.name)
    if not source.topic:
        return told
    # Only a topic of a bag begins with a slash, unlike a video in a tar or a part of a video.
    kind = 'topic' if source.topic.startswith('/') else 'part'
    return f'{kind} {source.topic}: {told}'
