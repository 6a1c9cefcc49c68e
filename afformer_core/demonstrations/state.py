# SPDX-License-Identifier: Apache-2.0
"""State of the demonstrations at one moment, their phases, records and summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np

from afformer_core.demonstrations.names import join_names, validated_name
from afformer_core.errors import DemonstrationError, ForeignFileError
from afformer_core.runtime.grounding import EncodedFrames


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
        cls,
        phase: Phase,
        selected: Sequence[Summary],
        names: tuple[str, ...],
        message: str,
        problem: str,
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
            problem,
        )


FORMAT = 2
# Values that a file need not hold.
_OPTIONAL = ('frames_lost',)


@dataclass(frozen=True)
class Record:
    """What is kept of a demonstration beside its frames.

    Attributes:
        summary: its numbers.
        created: seconds since 1970 at which it was finished; gives the order.
        first_frame, last_frame: the part that is used, as numbers of frames in the file, from 0.
        fingerprint: of the model that encoded it, see `Grounder.fingerprint`.
    """

    summary: Summary
    created: float
    first_frame: int
    last_frame: int
    fingerprint: str

    def __post_init__(self) -> None:
        if not np.isfinite(self.created) or not 0 <= self.first_frame <= self.last_frame:
            raise DemonstrationError(
                f'demonstration {self.summary.name!r} was made at {self.created} and is used from '
                f'frame {self.first_frame} to {self.last_frame}; that cannot be'
            )

    def to_text(self) -> dict[str, str]:
        """The record as texts by key, as files of the MCAP format hold them."""
        own = {key: value for key, value in asdict(self).items() if key != 'summary'}
        values = {'format': FORMAT, **asdict(self.summary), **own}
        return {key: str(value) for key, value in values.items()}

    @classmethod
    def from_text(cls, texts: Mapping[str, str]) -> Record:
        """Read back what `to_text` gave.

        Raises:
            ForeignFileError: another format.
            ValueError: a value cannot be read.
            KeyError: a value is missing.
            DemonstrationError: values that contradict each other.
        """
        if texts['format'] != str(FORMAT):
            raise ForeignFileError(f'format {texts["format"]} is unknown, {FORMAT} is read')
        return cls(Summary(**_parsed(Summary, texts)), **_parsed(cls, texts))


def _parsed(kind: type, texts: Mapping[str, str]) -> dict[str, Any]:
    parsers = {'str': str, 'int': int, 'float': float}
    return {
        field.name: parsers[str(field.type)](texts[field.name])
        for field in fields(kind)
        if field.type in parsers and not (field.name in _OPTIONAL and field.name not in texts)
    }


@dataclass(frozen=True)
class Recorded:
    """What a recording gave.

    Attributes:
        summary: its numbers.
        encoded: the frames that are used.
        reason: why it was not trimmed, or empty.
        problem: why it is not on disk, or empty.
    """

    summary: Summary
    encoded: EncodedFrames
    reason: str
    problem: str

    def __str__(self) -> str:
        """What was kept, in words."""
        one = self.summary
        said = [f'{one.frames_kept} of {one.frames} frames, {one.duration:.1f} s']
        if one.trimmed_by:
            said.append(f'used from {one.begin:.1f} to {one.end:.1f} s by its {one.trimmed_by}')
        elif self.reason:
            said.append(f'everything is used: {self.reason}')
        if self.problem:
            said.append(f'it will be lost at the end: {self.problem}')
        return '; '.join(said)
