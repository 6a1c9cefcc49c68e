# SPDX-License-Identifier: Apache-2.0
"""The names of demonstrations, and their state at one moment, with records and summaries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np

from afformer_core.demonstrations.contact_reading.contact_maps import ContactReading
from afformer_core.errors import DemonstrationError, OtherFormatError
from afformer_core.media.polygons import Point
from afformer_core.runtime.demonstration import (
    UNKNOWN_ROTATION,
    EncodedFrames,
    Sense,
    ShownRotation,
)

_NAME = re.compile(r'(?!\.)[A-Za-z0-9_.-]{1,64}')
_TOGETHER = '+'


def validated_name(name: str) -> str:
    """Check a name, which is also the stem of its file, and return it.

    Raises:
        DemonstrationError: the name is not 1 to 64 letters, digits, `_`, `.` or `-`, or it starts
            with a dot.
    """
    if _NAME.fullmatch(name) is None:
        raise DemonstrationError(
            f'{name!r} cannot name a demonstration. Use 1 to 64 letters, digits, "_", "." or "-", '
            'and no leading dot'
        )
    return name


def split_names(selection: str) -> tuple[str, ...]:
    """Split a selection such as 'press' or 'press_left+press_right' into names.

    Raises:
        DemonstrationError: a part of it is not a valid name, or occurs twice.
    """
    names = tuple(validated_name(name) for name in selection.split(_TOGETHER))
    if len(set(names)) < len(names):
        raise DemonstrationError(f'{selection!r} names a demonstration twice. Name each once')
    return names


def join_names(names: Sequence[str]) -> str:
    """Join names to a selection, the inverse of `split_names`."""
    return _TOGETHER.join(names)


class Phase(IntEnum):
    """Phases of DemonstrationStatus."""

    IDLE = 0
    RECORDING = 1
    READY = 2
    FAILED = 3


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Numbers of a finished demonstration.

    Attributes:
        name: see `validated_name`.
        frames: number of frames that arrived, at least 1.
        frames_kept: number of frames that the model uses, 1 to `frames`.
        duration: seconds between the first and the last frame, at least 0.
        begin, end: the used part, in seconds after the first frame.
        trimmed_by: detector that found this part, such as 'hands' or 'motion'; '' if nothing was
            trimmed.
        hands_seen: number of frames in which a hand was detected; 0 without a hand detector.
        frames_lost: number of missing frames, at least 0.
        rotation: direction of rotation, 'clockwise' or 'counterclockwise'; '' if unknown.
        rotation_problem: reason why the rotation is unknown; '' if it is known or was not
            estimated.
        contact: marked contact: x and y in the first used frame, as shares of its width and
            height, joined by a space; '' if it was not marked.

    Raises:
        DemonstrationError: the numbers contradict each other, or the name is not allowed.
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
    rotation: str = ''
    rotation_problem: str = ''
    contact: str = ''

    def __post_init__(self) -> None:
        validated_name(self.name)
        if not (
            1 <= self.frames_kept <= self.frames
            and np.isfinite(self.duration)
            and 0 <= self.begin <= self.end <= self.duration
            and 0 <= self.hands_seen <= self.frames
            and self.frames_lost >= 0
        ):
            raise DemonstrationError(
                f'the numbers of demonstration {self.name!r} contradict each other: {self!r}'
            )
        try:
            _ = self.shown_rotation, self.marked_contact
        except ValueError as error:
            raise DemonstrationError(f'demonstration {self.name!r}: {error}') from error

    @property
    def shown_rotation(self) -> ShownRotation:
        """Direction of rotation that it shows, or the reason why it is unknown."""
        if not self.rotation and not self.rotation_problem:
            return UNKNOWN_ROTATION
        sense = Sense(self.rotation) if self.rotation else None
        return ShownRotation(sense, self.rotation_problem)

    @property
    def marked_contact(self) -> Point | None:
        """The marked contact; None if it was not marked."""
        if not self.contact:
            return None
        shares = [float(text) for text in self.contact.split()]
        if len(shares) != 2 or not all(0 <= share <= 1 for share in shares):
            raise ValueError(f'the contact is {self.contact!r}; expected two shares from 0 to 1')
        return shares[0], shares[1]

    def marked(self, contact: Point | None, rotation: ShownRotation) -> Summary:
        """Return a copy with another mark, or none, and the rotation around the contact."""
        return replace(
            self,
            contact='' if contact is None else '{} {}'.format(*contact),
            rotation='' if rotation.sense is None else rotation.sense.value,
            rotation_problem=rotation.problem,
        )


@dataclass(frozen=True, kw_only=True)
class DemonstrationState:
    """State of the demonstrations at one moment.

    Attributes:
        phase: see DemonstrationStatus.
        name: name of the recording, or else the selection, or else ''.
        selected: selection against which images are grounded, names joined by '+', or ''.
        names: names of all finished demonstrations, oldest first.
        frames, frames_kept: numbers of frames of `name` that arrived, and that the model uses as
            far as known.
        duration: duration of `name`, in seconds.
        hands_seen: number of frames of `name` in which a hand was detected.
        message: message for the user, one sentence.
        frames_lost: number of missing frames of `name`.
        problem: data that will be lost when the process ends, and the reason; '' if none.
    """

    phase: Phase
    name: str = ''
    selected: str = ''
    names: tuple[str, ...] = ()
    frames: int = 0
    frames_kept: int = 0
    duration: float = 0.0
    hands_seen: int = 0
    message: str = ''
    frames_lost: int = 0
    problem: str = ''

    @classmethod
    def of(cls, phase: Phase, shown: Sequence[Any], **fields: Any) -> DemonstrationState:
        """Return the state of the shown summaries, or of a recording; numbers are summed.

        Args:
            phase: see the attributes.
            shown: objects with a name and these numbers.
            fields: the other attributes.
        """
        keys = ('frames', 'frames_kept', 'duration', 'hands_seen', 'frames_lost')
        numbers = {key: sum(getattr(entry, key) for entry in shown) for key in keys}
        return cls(
            phase=phase, name=join_names([entry.name for entry in shown]), **numbers, **fields
        )


FORMAT = 4


@dataclass(frozen=True)
class StoreEntry:
    """The record of a demonstration, stored with its frames.

    Attributes:
        summary: its numbers.
        created: time at which it was finished, in seconds since 1970; determines the order.
        first_frame, last_frame: the used part, as indices of frames in the file, from 0.
        fingerprint: fingerprint of the model that encoded it, see `ArrayGrounder.fingerprint`.
    """

    summary: Summary
    created: float
    first_frame: int
    last_frame: int
    fingerprint: str

    def to_text(self) -> dict[str, str]:
        """Return the record as text values by key, as stored in MCAP files."""
        own = {key: value for key, value in asdict(self).items() if key != 'summary'}
        values = {'format': FORMAT, **asdict(self.summary), **own}
        return {key: str(value) for key, value in values.items()}

    @classmethod
    def from_text(cls, texts: Mapping[str, str]) -> StoreEntry:
        """Read a record from the result of `to_text`.

        Raises:
            OtherFormatError: the record has another format.
            ValueError: a value cannot be read.
            KeyError: a value is missing.
            DemonstrationError: the values contradict each other.
        """
        if texts['format'] != str(FORMAT):
            raise OtherFormatError(
                f'format is {texts["format"]}; expected {FORMAT}. Record the demonstration again'
            )
        return cls(Summary(**_parsed(Summary, texts)), **_parsed(cls, texts))


def _parsed(kind: type, texts: Mapping[str, str]) -> dict[str, Any]:
    parsers = {'str': str, 'int': int, 'float': float}
    return {
        field.name: parsers[str(field.type)](texts[field.name])
        for field in fields(kind)
        if field.type in parsers
    }


@dataclass(frozen=True)
class Recorded:
    """Result of a recording.

    Attributes:
        summary: its numbers.
        encoded: the used frames, encoded.
        reason: reason why it was not trimmed, or ''.
        problem: reason why it is not on disk, or ''.
        reading: reading of its contact; None if it was not read.
    """

    summary: Summary
    encoded: EncodedFrames
    reason: str
    problem: str
    reading: ContactReading | None = None

    def __str__(self) -> str:
        """Describe the result as text."""
        one = self.summary
        said = [f'{one.frames_kept} of {one.frames} frames, {one.duration:.1f} s']
        if one.trimmed_by:
            said.append(f'used from {one.begin:.1f} to {one.end:.1f} s by its {one.trimmed_by}')
        elif self.reason:
            said.append(f'everything is used: {self.reason}')
        if self.problem:
            said.append(f'it will be lost when the process ends: {self.problem}')
        return '; '.join(said)


@dataclass
class FinishedDemonstration:
    """A finished demonstration of a library.

    Attributes:
        summary: its numbers.
        unkept: reason why it will be lost when the process ends, or ''.
        by_another: whether another process has recorded it.
        outdated: whether another process has replaced it since it was memorized.
    """

    summary: Summary
    unkept: str = ''
    by_another: bool = False
    outdated: bool = False
