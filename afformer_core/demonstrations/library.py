# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of one model: recording, storage, selection. One thread owns them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.demonstration_reader import DemonstrationReader
from afformer_core.demonstrations.demonstration_file import UsedFrame
from afformer_core.demonstrations.kept_demonstrations import KeptDemonstrations
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import Recording, RecordingSettings
from afformer_core.demonstrations.selection import SelectionFile
from afformer_core.demonstrations.state import DemonstrationState, Recorded, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.demonstrations.whole_recording import record_whole
from afformer_core.errors import AfformerError, DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder


class DemonstrationLibrary(KeptDemonstrations):
    """The finished demonstrations, and the one that is being recorded.

    Args:
        grounder, store, changed, selection_file: see `KeptDemonstrations`.
        settings: settings of recordings.

    Raises:
        HandModelError: the shipped hand networks are missing or damaged.
    """

    def __init__(
        self,
        grounder: ArrayGrounder,
        store: DemonstrationStore | None,
        changed: Callable[[DemonstrationState], None] = lambda state: None,
        settings: RecordingSettings | None = None,
        selection_file: SelectionFile | None = None,
    ) -> None:
        self._settings = settings or RecordingSettings()
        self._recording: Recording | None = None
        # unusable hand networks are reported now instead of at the first recording
        DemonstrationReader()
        super().__init__(grounder, store, changed, selection_file)

    @property
    def recording(self) -> bool:
        """Whether a demonstration is being recorded."""
        return self._recording is not None

    @property
    def recorded_seconds(self) -> float:
        """Duration of the recording so far, seconds."""
        return 0.0 if self._recording is None else self._recording.duration

    def start(self, name: str) -> str:
        """Start a recording; return its name, which is generated if it is empty.

        Raises:
            DemonstrationError: a recording is running, the name is not allowed, or another process
                has recorded or is recording a demonstration with this name.
        """
        self._require_no_recording()
        name = name or self._finished.free_name()
        self._finished.require_own(name)
        self._recording = Recording(name, self._grounder, self._store, self._settings)
        problem = self._recording.problem
        remark = f'; it will be lost when the process ends: {problem}' if problem else ''
        self._report(f'recording {name!r}{remark}')
        return name

    def add_frame(self, image: NDArray[np.uint8], stamp: float) -> None:
        """Add a frame to the recording.

        Args:
            image: uint8 RGB [H, W, 3].
            stamp: time in seconds.

        Raises:
            DemonstrationError: none is being recorded.
            ImageError: this is not an image; the recording continues without it.
        """
        recording = self._require_recording()
        recording.add_frame(image, stamp)
        self._report(f'recording {recording.name!r}')

    def count_lost(self, on_the_way: int, dropped: int) -> None:
        """Set the numbers of frames lost so far by the middleware and by a full queue."""
        if self._recording is not None:
            self._recording.losses.on_the_way = on_the_way
            self._recording.losses.dropped = dropped

    def reject_frame(self, error: AfformerError) -> None:
        """Count a frame that cannot be read; the recording continues."""
        if self._recording is not None:
            self._recording.losses.unreadable += 1
            self._report(f'recording {self._recording.name!r}: a frame was left out: {error}')

    def finish(self, reason: str = '') -> Summary:
        """End the recording, store it on disk and select it.

        Args:
            reason: reason why it ends without a request.

        Raises:
            DemonstrationError: no recording is running, or it has no frame and is dropped.
        """
        recording = self._require_recording()
        self._recording = None
        try:
            recorded = recording.finish()
        except Exception as error:
            # the recording has ended even if something fails, and the state must show it
            self.fail(str(error) or type(error).__name__)
            raise
        notes = [reason] if reason else []
        notes += recording.losses.told(recording.frames)
        return self._take(recorded, notes)

    def cancel(self, reason: str) -> None:
        """Drop the recording, if there is one, and report the reason."""
        if self._recording is not None:
            recording, self._recording = self._recording, None
            recording.cancel()
            self.fail(f'the recording of {recording.name!r} was dropped: {reason}')

    def add(
        self, media: MediaFrames, name: str, check: Callable[[], None] = lambda: None
    ) -> Summary:
        """Add the frames of a file as a demonstration, without trimming; store it and select it.

        Args:
            media, name, check: see `record_whole`.

        Raises:
            DemonstrationError: one is being recorded, there is no frame, or the name is not
                allowed or belongs to another process.
            ImageError: a frame is not an image.
        """
        self._require_no_recording()
        try:
            self._finished.require_own(name)
            recorded = record_whole(media, name, self._grounder, self._store, check)
        except Exception as error:
            self.fail(str(error) or type(error).__name__)
            raise
        return self._take(recorded, [])

    def mark(self, name: str, pixel: Point | None) -> UsedFrame:
        """Mark a contact, see `KeptDemonstrations.mark`; rejected during a recording.

        Raises:
            DemonstrationError: see there; or a recording is running.
        """
        self._require_no_recording()
        return super().mark(name, pixel)

    def state(self) -> DemonstrationState:
        """Return the state of the demonstrations."""
        if self._recording is None:
            return super().state()
        problem = '; '.join(filter(None, [self._problem(), *self._recording.unkept()]))
        names, message = self._finished.names, self._message
        return self._recording.state(self.selected, names, message, problem)

    def _take(self, recorded: Recorded, notes: list[str]) -> Summary:
        if recorded.summary.name in self._finished.names:
            notes = [*notes, 'an earlier one of this name was replaced']
        self._finished.take(recorded)
        self._failed = False
        self._selection.set((recorded.summary.name,))
        self._report('; '.join([f'{self.selected!r} is selected: {recorded}', *notes]))
        return recorded.summary

    def _require_recording(self) -> Recording:
        if self._recording is None:
            raise DemonstrationError('no demonstration is being recorded; start one first')
        return self._recording

    def _require_no_recording(self) -> None:
        if self._recording is not None:
            raise DemonstrationError(
                f'demonstration {self._recording.name!r} is being recorded; finish it first'
            )
