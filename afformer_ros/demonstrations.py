# SPDX-License-Identifier: Apache-2.0
"""The demonstrations of a node: recorded, kept on disk, selected. Owned by the worker thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError, DemonstrationError, ImageError
from afformer_core.runtime import Demonstration, Grounder, Grounding
from afformer_core.runtime.demonstration_store import (
    DemonstrationStore,
    StoredDemonstration,
    validated_name,
)


class Phase(IntEnum):
    """The states of DemonstrationStatus."""

    IDLE = 0
    RECORDING = 1
    READY = 2
    FAILED = 3


@dataclass(frozen=True)
class DemonstrationState:
    """What is known of the demonstrations at one moment.

    Attributes:
        phase: see DemonstrationStatus.
        name: the demonstration recorded, else the selected one, else empty.
        selected: the one that images are grounded against, or empty.
        names: all finished ones, oldest first.
        frames, frames_kept: of `name`: seen, and used by the model.
        duration: of `name`, in seconds.
        message: one sentence for a person.
    """

    phase: Phase
    name: str
    selected: str
    names: tuple[str, ...]
    frames: int
    frames_kept: int
    duration: float
    message: str


@dataclass(frozen=True)
class Summary:
    """A finished demonstration in numbers: frames seen, frames kept, duration in seconds."""

    name: str
    frames: int
    frames_kept: int
    duration: float


@dataclass
class _Recording:
    name: str
    frames: int = 0
    bad: int = 0
    first: float = 0.0
    last: float = 0.0

    @property
    def duration(self) -> float:
        return max(0.0, self.last - self.first)


class Demonstrations:
    """Demonstrations of one grounder and what is stored of them.

    What lies in the store is memorized when it is first selected, so that opening a full store
    takes no longer than reading it.

    Args:
        grounder: used by nobody else.
        store: where finished ones are kept.
        changed: called with the new state after each change.
    """

    def __init__(
        self,
        grounder: Grounder,
        store: DemonstrationStore,
        changed: Callable[[DemonstrationState], None],
    ) -> None:
        self._grounder = grounder
        self._store = store
        self._changed = changed
        self._recording: _Recording | None = None
        self._failed = False
        self._message = 'no demonstration is selected'
        self.selected = ''
        stored, self.problems = store.load_all()
        self._summaries = {
            one.name: Summary(one.name, one.frame_count, len(one.frames), one.duration)
            for one in stored
        }

    @property
    def backend(self) -> str:
        """What computes."""
        return self._grounder.backend

    @property
    def maximum_frames(self) -> int:
        """Frames that the model uses of a demonstration, at most."""
        return self._grounder.configuration.maximum_frames

    @property
    def recording(self) -> bool:
        """Whether a demonstration is being recorded."""
        return self._recording is not None

    @property
    def recorded_seconds(self) -> float:
        """How long the recording lasts so far."""
        return 0.0 if self._recording is None else self._recording.duration

    def start(self, name: str) -> str:
        """Begin to record; returns the name, which is chosen here where it is empty.

        Raises:
            DemonstrationError: one is being recorded, or the name is not allowed.
        """
        name = validated_name(name) if name else self._free_name()
        self._grounder.start_demonstration(name)
        self._recording = _Recording(name)
        self._report(f'recording {name!r}')
        return name

    def add_frame(self, image: NDArray[np.uint8], stamp: float) -> None:
        """Add uint8 RGB [H, W, 3], taken at a time in seconds, to the recording.

        Raises:
            DemonstrationError: none is being recorded.
            ImageError: not an image; the recording goes on without it.
        """
        recording = self._require_recording()
        self._grounder.add_frame(image)
        recording.first = stamp if recording.frames == 0 else min(recording.first, stamp)
        recording.last = max(recording.last, stamp)
        recording.frames += 1
        self._report(f'recording {recording.name!r}')

    def reject_frame(self, error: ImageError) -> None:
        """Count a frame that cannot be read; the recording goes on."""
        if self._recording is not None:
            self._recording.bad += 1
            self._report(f'recording {self._recording.name!r}: a frame was left out: {error}')

    def finish(self, dropped: int = 0, reason: str = '') -> Summary:
        """End the recording, keep it on disk and select it.

        Args:
            dropped: frames that were lost on the way, to be told.
            reason: why it ends, where nobody asked for it.

        Raises:
            DemonstrationError: none is being recorded, or it has no frame; it is dropped then.
        """
        recording = self._require_recording()
        self._recording = None
        try:
            demonstration = self._grounder.finish_demonstration()
        except AfformerError as error:
            self._fail(str(error))
            raise
        notes = [reason] if reason else []
        if dropped:
            notes.append(f'{dropped} frames were dropped')
        if recording.bad:
            notes.append(f'{recording.bad} frames could not be read')
        return self._keep(demonstration, demonstration.frame_count, recording.duration, notes)

    def cancel(self, reason: str) -> None:
        """Drop the recording, if there is one, and say why."""
        if self._recording is not None:
            self._grounder.cancel_demonstration()
            name, self._recording = self._recording.name, None
            self._fail(f'the recording of {name!r} was dropped: {reason}')

    def add(
        self, frames: Iterable[NDArray[np.uint8]], name: str, frame_count: int, duration: float
    ) -> Summary:
        """Take a demonstration that was read elsewhere, keep it on disk and select it.

        Args:
            frames: uint8 RGB [H, W, 3] in order, at least one.
            name: see `validated_name`.
            frame_count: frames that `frames` were sampled from.
            duration: seconds.

        Raises:
            DemonstrationError: one is being recorded, no frame, or the name is not allowed.
            ImageError: a frame is not an image.
        """
        try:
            demonstration = self._grounder.set_demonstration(frames, validated_name(name))
        except AfformerError as error:
            if self._recording is None:
                self._fail(str(error))
            raise
        return self._keep(demonstration, frame_count, duration, [])

    def select(self, name: str) -> None:
        """Ground this one from now on.

        Raises:
            DemonstrationError: unknown, or its file was damaged meanwhile.
        """
        if name not in self._summaries:
            known = ', '.join(self._summaries) or 'none yet'
            raise DemonstrationError(f'there is no demonstration {name!r}; there are: {known}')
        if name not in self._grounder.demonstrations:
            self._grounder.set_demonstration(self._store.load(name).frames, name)
        self._failed = False
        self.selected = name
        self._report(f'{name!r} is selected')

    def delete(self, name: str) -> None:
        """Forget a demonstration, on disk too; the selection becomes empty if it was this one.

        Raises:
            DemonstrationError: unknown, or the disk refuses.
        """
        if name not in self._summaries:
            known = ', '.join(self._summaries) or 'none yet'
            raise DemonstrationError(f'there is no demonstration {name!r}; there are: {known}')
        self._store.delete(name)
        del self._summaries[name]
        if name in self._grounder.demonstrations:
            self._grounder.delete_demonstration(name)
        if name == self.selected:
            self.selected = ''
            self._report(f'the selected demonstration {name!r} was deleted; select another')
        else:
            self._report(f'{name!r} was deleted')

    def fail(self, message: str) -> None:
        """Tell a failure that happened before a demonstration could be made."""
        self._fail(message)

    def ground(self, image: NDArray[Any], maximum_peaks: int) -> Grounding:
        """Ground the selected demonstration in uint8 RGB [H, W, 3].

        Raises:
            DemonstrationError: none is selected.
            ImageError: not an image.
        """
        return self._grounder.ground(image, self.selected, maximum_peaks)

    def state(self) -> DemonstrationState:
        """What is known now."""
        recording = self._recording
        if recording is not None:
            phase = Phase.RECORDING
            kept = min(recording.frames, self.maximum_frames)
            shown = Summary(recording.name, recording.frames, kept, recording.duration)
        else:
            phase = Phase.FAILED if self._failed else Phase.READY if self.selected else Phase.IDLE
            shown = self._summaries.get(self.selected, Summary('', 0, 0, 0.0))
        return DemonstrationState(
            phase,
            shown.name,
            self.selected,
            tuple(self._summaries),
            shown.frames,
            shown.frames_kept,
            shown.duration,
            self._message,
        )

    def _keep(
        self, demonstration: Demonstration, frame_count: int, duration: float, notes: list[str]
    ) -> Summary:
        name, frames = demonstration.name, demonstration.frames
        summary = Summary(name, frame_count, len(frames), duration)
        try:
            self._store.save(
                StoredDemonstration(name, frames, frame_count, duration, created=time.time())
            )
        except DemonstrationError as error:
            notes.append(f'it will be lost when the node ends: {error}')
        self._summaries.pop(name, None)
        self._summaries[name] = summary
        self._failed = False
        self.selected = name
        kept = f'{name!r} is selected: {len(frames)} of {frame_count} frames, {duration:.1f} s'
        self._report('; '.join([kept, *notes]))
        return summary

    def _fail(self, message: str) -> None:
        self._failed = True
        self._report(message)

    def _report(self, message: str) -> None:
        self._message = message
        self._changed(self.state())

    def _require_recording(self) -> _Recording:
        if self._recording is None:
            raise DemonstrationError('no demonstration is being recorded; start one first')
        return self._recording

    def _free_name(self) -> str:
        number = 1
        while f'demonstration_{number}' in self._summaries:
            number += 1
        return f'demonstration_{number}'
