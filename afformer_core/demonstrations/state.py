# SPDX-License-Identifier: Apache-2.0
"""What is told of demonstrations: their state at one moment, and finished ones in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from afformer_core.demonstrations.names import join_names, validated_name
from afformer_core.errors import DemonstrationError


class Phase(IntEnum):
    """The states of DemonstrationStatus."""

    IDLE = 0
    RECORDING = 1
    READY = 2
    FAILED = 3


@dataclass(frozen=True)
class Summary:
    """A finished demonstration in numbers.

    Attributes:
        name: see `validated_name`.
        frames: frames that were seen, at least 1.
        frames_kept: frames that the model uses, 1 to `frames`.
        duration: seconds between the first and the last frame seen, at least 0.
        begin, end: the part that the frames kept are of, in seconds after the first frame.
        trimmed_by: what found that part, such as 'hands' or 'motion'; empty: nothing was cut off.
        hands_seen: frames in which a hand was detected; 0 where no hand detector ran.
        frames_lost: frames that are missing between those seen, at least 0.
    """

    name: str
    frames: int
    frames_kept: int
    duration: float
    begin: float
    end: float
    trimmed_by: str = ''
    hands_seen: int = 0
    frames_lost: int = 0

    def __post_init__(self) -> None:
        validated_name(self.name)
        if not 1 <= self.frames_kept <= self.frames:
            raise DemonstrationError(
                f'demonstration {self.name!r} keeps {self.frames_kept} of {self.frames} frames; '
                'it must keep at least one and cannot keep more than were seen'
            )
        if not (np.isfinite(self.duration) and 0 <= self.begin <= self.end <= self.duration):
            raise DemonstrationError(
                f'demonstration {self.name!r} lasts {self.duration} s and is used from '
                f'{self.begin} to {self.end} s; these must be finite and lie in it'
            )
        if not 0 <= self.hands_seen <= self.frames:
            raise DemonstrationError(
                f'demonstration {self.name!r} has hands in {self.hands_seen} of {self.frames} '
                'frames; it cannot have them in more frames than were seen'
            )
        if self.frames_lost < 0:
            raise DemonstrationError(
                f'demonstration {self.name!r} misses {self.frames_lost} frames; that cannot be'
            )


@dataclass(frozen=True)
class DemonstrationState:
    """What is known of the demonstrations at one moment.

    Attributes:
        phase: see DemonstrationStatus.
        name: the demonstration recorded, else the selected one, else empty.
        selected: what images are grounded against, several names joined by '+', or empty.
        names: all finished ones, oldest first.
        frames, frames_kept: of `name`: seen, and used by the model as far as is known.
        duration: of `name`, in seconds.
        hands_seen: frames of `name` in which a hand was detected.
        message: one sentence for a person.
        frames_lost: frames of `name` that are missing.
        problem: what will be lost when the process ends, and why; empty: nothing.
    """

    phase: Phase
    name: str
    selected: str
    names: tuple[str, ...]
    frames: int
    frames_kept: int
    duration: float
    hands_seen: int = 0
    message: str = ''
    frames_lost: int = 0
    problem: str = ''

    @classmethod
    def of_selection(
        cls, phase: Phase, selected: Sequence[Summary], names: tuple[str, ...], message: str
    ) -> DemonstrationState:
        """The state while nothing is recorded; numbers of several selected ones are summed."""
        selection = join_names([one.name for one in selected])
        return cls(
            phase,
            selection,
            selection,
            names,
            sum(one.frames for one in selected),
            sum(one.frames_kept for one in selected),
            sum(one.duration for one in selected),
            sum(one.hands_seen for one in selected),
            message,
            sum(one.frames_lost for one in selected),
        )
