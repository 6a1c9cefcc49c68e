# SPDX-License-Identifier: Apache-2.0
"""Looking for hands in one part of a video."""

from __future__ import annotations

from collections.abc import Iterator

from afformer_core.data.video import VideoFrame
from afformer_core.errors import AfformerError, DatasetError
from afformer_core.maskahand.detector import HandDetector
from afformer_core.maskahand.hand import LOWEST_SCORE, Hand
from afformer_core.maskahand.mined_part import MinedPart
from afformer_core.maskahand.sources import LostFrame

_BOX_DECIMALS, _SCORE_DECIMALS = 1, 4


class PartLook:
    """Looks at the frames of a part; iterating does so and yields after each frame.

    Args:
        detector: that looks; it begins anew.
        frames: of the part.
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
            if kept := tuple(each for hand in hands for each in _kept(hand)):
                self._hands[seen] = kept
            seen += 1
            yield
        if seen != len(self._times):
            raise DatasetError(
                f'the detector {self._detector.name} gave the hands of {seen} frames when it was '
                f'given {len(self._times)}; it must give those of each'
            )

    def result(self) -> MinedPart:
        """What was seen, once all frames were looked at."""
        loss = ''
        if self._lost:
            first = self._lost[0]
            loss = f'at {first.time:.2f} s: {" ".join(first.reason.split())}'
        return MinedPart(
            self._size, tuple(self._times), self._hands, self._damage, len(self._lost), loss
        )

    def _readable(self) -> Iterator[VideoFrame]:
        """The frames up to where they cannot be read.

        An error would end a detector that reads ahead before it gave what it has seen.
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
    """Says that frames of another size follow, which one video cannot have."""
    return 'its frames become {}x{}, those before are {}x{}'.format(*size, *before)


def _kept(hand: Hand) -> Iterator[Hand]:
    """The hand in as many digits as mean something, if it is kept."""
    left, top, right, bottom = (round(each, _BOX_DECIMALS) for each in hand.box)
    score = round(hand.score, _SCORE_DECIMALS)
    if score >= LOWEST_SCORE and left < right and top < bottom:
        touch = hand.touch
        if touch is not None:
            touch = round(touch[0], _BOX_DECIMALS), round(touch[1], _BOX_DECIMALS)
        yield Hand((left, top, right, bottom), hand.contact, score, touch)
