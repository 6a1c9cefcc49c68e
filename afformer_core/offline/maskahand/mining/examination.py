# SPDX-License-Identifier: Apache-2.0
"""The examination of parts of videos for hands, by one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from afformer_core.errors import AfformerError
from afformer_core.hands.detector import HandDetector
from afformer_core.media.read_ahead import read_ahead
from afformer_core.offline.maskahand.mining.mined_part import (
    MinedPart,
    ReadableFrames,
    by_frame,
    failed,
    hands_in,
    write_part,
)
from afformer_core.offline.maskahand.mining.video_parts import MiningPart

# Maximum number of full-size batches of frames that wait for a GPU.
_BATCHES_AHEAD = 2

OpenDetector = Callable[[], HandDetector]


@dataclass(frozen=True)
class ExaminedPart:
    """A part that a process examined.

    Attributes:
        frames: number of examined frames.
        damage: see `MinedPart`.
        unwritten: the result, if the process did not write it.
    """

    frames: int
    damage: str
    unwritten: MinedPart | None = None


@dataclass(frozen=True)
class Examination:
    """The detection of hands in parts, one after another.

    Attributes:
        detector: detector of hands.
        rate: examined frames per second.
        writes: whether it writes the results.
    """

    detector: HandDetector
    rate: float
    writes: bool

    def __call__(self, part: MiningPart) -> ExaminedPart:
        """Examine a part."""
        try:
            seen = self._seen(part)
        except AfformerError:
            raise
        except Exception as error:  # noqa: BLE001
            seen = failed(error)
        if self.writes:
            write_part(part.file, seen, part.facts)
        return ExaminedPart(len(seen.times), seen.damage, None if self.writes else seen)

    def _seen(self, part: MiningPart) -> MinedPart:
        frames = part.source.frames(self.rate, part.start, part.stop)
        if self.detector.on_gpu:
            # A thread decodes the next batches while the GPU computes.
            frames = read_ahead(frames, _BATCHES_AHEAD * self.detector.batch_size)
        readable = ReadableFrames(frames)
        return readable.with_hands(by_frame(hands_in(self.detector, readable)))


def open_examination(open_detector: OpenDetector, rate: float, *, writes: bool) -> Examination:
    """Open the detector in the process that examines parts (see `Examination`)."""
    return Examination(open_detector(), rate, writes)
