# SPDX-License-Identifier: Apache-2.0
"""The detection of hands in one part of a video, and the file of its result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.files.atomic import write_aside
from afformer_core.hands.detector import HandDetector
from afformer_core.hands.hand import LOWEST_SCORE, Hand
from afformer_core.maskahand.sources import LostFrame
from afformer_core.media.video import VideoFrame


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


def write_part(path: Path, part: MinedPart) -> None:
    """Write the file of a part atomically.

    Raises:
        OSError: it cannot be written.
    """
    fields = {
        'size': part.size,
        'times': part.times,
        'hands': _hands_to_json(part.hands),
        'damage': part.damage,
        'lost': part.lost,
        'loss': part.loss,
    }
    # Leftovers of a process that was killed while it wrote.
    for leftover in path.parent.glob(f'.{path.name}.*'):
        leftover.unlink(missing_ok=True)
    write_aside(path, (json.dumps(fields) + '\n').encode())


def read_part(path: Path) -> MinedPart:
    """Read the file of a part.

    Raises:
        DatasetError: the file is missing or was modified.
    """
    try:
        fields = json.loads(path.read_text(encoding='utf-8'))
        width, height = fields['size']
        return MinedPart(
            (int(width), int(height)),
            tuple(map(float, fields['times'])),
            _hands_from_json(fields['hands']),
            str(fields['damage']),
            int(fields['lost']),
            str(fields['loss']),
        )
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise DatasetError(
            f'{path} is damaged: {error}. Remove it and run the same command again'
        ) from error


_BOX_DECIMALS, _SCORE_DECIMALS = 1, 4


class PartDetection:
    """The detection of hands in a part; each step of its iteration examines one frame.

    Args:
        detector: detector of hands, which begins a new video.
        frames: frames of the part.
    """

    def __init__(self, detector: HandDetector, frames: Iterator[VideoFrame | LostFrame]) -> None:
        self._detector = detector
        self._frames = frames
        self._size = (0, 0)
        self._times: list[float] = []
        self._hands: dict[int, tuple[Hand, ...]] = {}
        self._damage = ''
        self._lost: list[LostFrame] = []

    def __iter__(self) -> Iterator[None]:
        seen = 0
        for hands in self._detector.detect(self._readable()):
            if kept := tuple(value for hand in hands for value in _kept(hand)):
                self._hands[seen] = kept
            seen += 1
            yield
        if seen != len(self._times):
            raise DatasetError(
                f'detector {self._detector.name} returned hands for {seen} frames; expected hands '
                f'for all {len(self._times)}'
            )

    def result(self) -> MinedPart:
        """Return the detections after all frames were examined."""
        loss = ''
        if self._lost:
            first = self._lost[0]
            loss = f'at {first.time:.2f} s: {" ".join(first.reason.split())}'
        return MinedPart(
            self._size, tuple(self._times), self._hands, self._damage, len(self._lost), loss
        )

    def _readable(self) -> Iterator[VideoFrame]:
        """Yield the frames until they cannot be read.

        An error would stop a detector that reads ahead before it returned its last detections.
        """
        try:
            for frame in self._frames:
                if isinstance(frame, LostFrame):
                    self._lost.append(frame)
                    continue
                height, width = frame.image.shape[:2]
                if self._times and (width, height) != self._size:
                    self._damage = size_change((width, height), self._size)
                    return
                self._size = (width, height)
                self._times.append(frame.time)
                yield frame
        except (AfformerError, OSError) as error:
            self._damage = ' '.join(str(error).split())


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


def _hands_to_json(hands: Mapping[int, Sequence[Hand]]) -> dict[str, Any]:
    """Convert hands by the number of their frame to JSON types."""
    return {
        str(number): [
            [*hand.box, hand.contact, hand.score, *(hand.contact_point or ())]
            for hand in hands[number]
        ]
        for number in sorted(hands)
    }


def _hands_from_json(fields: Mapping[str, Any]) -> dict[int, tuple[Hand, ...]]:
    """Convert the result of `_hands_to_json` back to hands.

    Raises:
        AttributeError, TypeError, ValueError: the content is invalid.
    """
    return {int(number): tuple(map(_hand, hands)) for number, hands in fields.items()}


def _hand(values: list[Any]) -> Hand:
    left, top, right, bottom, contact, score, *contact_point = values
    box = float(left), float(top), float(right), float(bottom)
    if not contact_point:
        return Hand(box, bool(contact), score)
    x, y = map(float, contact_point)
    return Hand(box, bool(contact), score, (x, y))
