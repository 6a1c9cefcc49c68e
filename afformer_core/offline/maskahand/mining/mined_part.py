# SPDX-License-Identifier: Apache-2.0
"""The detection of hands in one part of a video, and the file of its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.hands.hand import LOWEST_SCORE, Hand, HandDetector
from afformer_core.media.video import VideoFrame
from afformer_core.offline.maskahand.mining.index_files import (
    HAND,
    damage_told,
    hand_of_row,
    hand_row,
    parquet_bytes,
    parquet_facts,
    parquet_file,
)
from afformer_core.offline.maskahand.sources import LostFrame
from afformer_core.offline.maskahand.sources.urls import address, write_file

_FORMAT, _VERSION = 'afformer-mined-part', 1
# A row for each examined frame.
_SCHEMA = pa.schema([('time', pa.float64()), ('hands', pa.list_(HAND))])


@dataclass(frozen=True)
class MinedPart:
    """The detections in a part of a video.

    Attributes:
        size: (width, height) of its frames in pixels; (0, 0) without any.
        times: seconds from the video's first frame of each examined frame.
        hands: hands in an examined frame, best first, by the frame's number within the part.
        damage: reason why the video could not be read to the end of the part; empty if it could.
        lost: number of unreadable frames, which were left out.
        loss: time and reason of the first of them; empty without any.
    """

    size: tuple[int, int]
    times: tuple[float, ...]
    hands: Mapping[int, tuple[Hand, ...]]
    damage: str = ''
    lost: int = 0
    loss: str = ''


def write_part(path: Path, part: MinedPart, facts: Mapping[str, Any]) -> None:
    """Write the Parquet file of a part atomically.

    Args:
        path: path of the file, on this machine or at a URL.
        part: the result.
        facts: further metadata, such as the video and the detector.

    Raises:
        DatasetError: it cannot be written.
    """
    rows = [
        {'time': time, 'hands': [hand_row(number, hand) for hand in part.hands.get(number, ())]}
        for number, time in enumerate(part.times)
    ]
    described = {
        'format': _FORMAT,
        'version': _VERSION,
        **facts,
        'size': part.size,
        'damage': part.damage,
        'lost': part.lost,
        'loss': part.loss,
    }
    content = parquet_bytes([rows], _SCHEMA, described)
    # Leftovers of a process that was killed while it wrote; a URL has none.
    for leftover in path.parent.glob(f'.{path.name}.*'):
        leftover.unlink(missing_ok=True)
    write_file(path, content)


def read_part(path: Path) -> MinedPart:
    """Read the file of a part.

    Raises:
        DatasetError: the file is missing or was modified.
    """
    with _part_damage_told(path):
        with parquet_file(path) as file:
            fields = parquet_facts(file, path)
            if (found := fields.get('format'), fields.get('version')) != (_FORMAT, _VERSION):
                raise ValueError(f'its format is {found}; expected {_FORMAT} {_VERSION}')
            table = file.read()
        width, height = fields['size']
        hands = enumerate(table['hands'].to_pylist())
        return MinedPart(
            (int(width), int(height)),
            tuple(table['time'].to_pylist()),
            {number: tuple(map(hand_of_row, rows)) for number, rows in hands if rows},
            str(fields['damage']),
            int(fields['lost']),
            str(fields['loss']),
        )


def part_damage(path: Path) -> str:
    """Read only the damage of a part (see `MinedPart`).

    Raises:
        DatasetError: the file is missing or was modified.
    """
    with _part_damage_told(path), parquet_file(path) as file:
        return str(parquet_facts(file, path)['damage'])


def _part_damage_told(path: Path) -> AbstractContextManager[None]:
    return damage_told(f'{address(path)} is damaged', 'Remove it and run the same command again')


_BOX_DECIMALS, _SCORE_DECIMALS = 1, 4


class _ReadableFrames:
    """The frames of a part until they cannot be read, and the reason.

    An error would stop a detector that reads ahead before it returned its last detections.

    Args:
        frames: frames of the part.
    """

    def __init__(self, frames: Iterable[VideoFrame | LostFrame]) -> None:
        self._frames = frames
        self.lost: list[LostFrame] = []
        self.size = (0, 0)
        self.times: list[float] = []
        self.damage = ''

    def __iter__(self) -> Iterator[VideoFrame]:
        try:
            for frame in self._frames:
                if isinstance(frame, LostFrame):
                    self.lost.append(frame)
                    continue
                height, width = frame.image.shape[:2]
                if self.times and (width, height) != self.size:
                    self.damage = size_change((width, height), self.size)
                    return
                self.size = (width, height)
                self.times.append(frame.time)
                yield frame
        except (AfformerError, OSError) as error:
            self.damage = ' '.join(str(error).split())


def examined(detector: HandDetector, frames: Iterable[VideoFrame | LostFrame]) -> MinedPart:
    """Detect the hands in the frames of a part; leave out those that are not kept.

    Args:
        detector: detector of hands, which begins a new video.
        frames: frames of the part.

    Raises:
        DatasetError: the detector returns hands for another number of frames.
    """
    read = _ReadableFrames(frames)
    hands = [
        tuple(value for hand in found for value in _kept(hand)) for found in detector.detect(read)
    ]
    if len(hands) != len(read.times):
        raise DatasetError(
            f'detector {detector.name} returned hands for {len(hands)} frames; expected hands for '
            f'all {len(read.times)}'
        )
    loss = ''
    if read.lost:
        first = read.lost[0]
        loss = f'at {first.time:.2f} s: {" ".join(first.reason.split())}'
    by_frame = {number: found for number, found in enumerate(hands) if found}
    return MinedPart(read.size, tuple(read.times), by_frame, read.damage, len(read.lost), loss)


def failed(error: Exception) -> MinedPart:
    """Return the result of a part for which the detector failed; a later run tries it again."""
    told = ' '.join(f'{type(error).__name__}: {error}'.split())
    return MinedPart((0, 0), (), {}, damage=f'the detector failed: {told}')


def size_change(size: tuple[int, int], before: tuple[int, int]) -> str:
    """Describe a change of the frame size within a video."""
    return 'its frames become {}x{}, those before are {}x{}'.format(*size, *before)


def _kept(hand: Hand) -> Iterator[Hand]:
    """Yield the hand, rounded to meaningful digits, if it is kept."""
    left, top, right, bottom = (round(coordinate, _BOX_DECIMALS) for coordinate in hand.box)
    score = round(hand.score, _SCORE_DECIMALS)
    if score >= LOWEST_SCORE and left < right and top < bottom:
        contact_point = hand.contact_point
        if contact_point is not None:
            contact_point = (
                round(contact_point[0], _BOX_DECIMALS),
                round(contact_point[1], _BOX_DECIMALS),
            )
        yield Hand((left, top, right, bottom), hand.contact, score, contact_point)
