# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of one model: recorded, stored on disk, selected. One thread owns them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.demonstration_reader import DemonstrationReader
from afformer_core.demonstrations.demonstration_file import FirstFrame
from afformer_core.demonstrations.kept_demonstrations import KeptDemonstrations
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import Recording, RecordingSettings
from afformer_core.demonstrations.selection import SelectionFile
from afformer_core.demonstrations.state import DemonstrationState, Recorded, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.demonstrations.whole_recording import record_whole
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder


class DemonstrationLibrary(KeptDemonstrations):
    """Demonstrations that are kept, and the one that is being recorded.

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
        # unusable hand networks are reported now, not when somebody is ready to record
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
        """Begin to record; returns the name, which is chosen here if it is empty.

        Raises:
            DemonstrationError: one is being recorded, the name is not allowed, or it is that of a
                demonstration which another process has recorded or is recording.
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
            ImageError: not an image; the recording goes on without it.
        """
        recording = self._require_recording()
        recording.add_frame(image, stamp)
        self._report(f'recording {recording.name!r}')

    def count_lost(self, on_the_way: int, dropped: int) -> None:
        """Set the numbers of frames that the middleware and a full queue have lost so far."""
        if self._recording is not None:
            self._recording.losses.on_the_way = on_the_way
            self._recording.losses.dropped = dropped

    def reject_frame(self, error: ImageError) -> None:
        """Count a frame that cannot be read; the recording goes on."""
        if self._recording is not None:
            self._recording.losses.unreadable += 1
            self._report(f'recording {self._recording.name!r}: a frame was left out: {error}')

    def finish(self, reason: str = '') -> Summary:
        """End the recording, store it on disk and select it.

        Args:
            reason: why it ends without a request.

        Raises:
            DemonstrationError: none is being recorded, or it has no frame; it is dropped then.
        """
        recording = self._require_recording()
        self._recording = None
        try:
            recorded = recording.finish()
        except Exception as error:
            # whatever fails, the recording has ended, and everybody must know
            self.fail(str(error) or type(error).__name__)
            raise
        notes = [reason] if reason else []
        notes += recording.losses.told(recording.frames)
        return self._take(recorded, notes)

    def cancel(self, reason: str) -> None:
        """Drop the recording, if there is one, and report why."""
        if self._recording is not None:
            recording, self._recording = self._recording, None
            recording.cancel()
            self.fail(f'the recording of {recording.name!r} was dropped: {reason}')

    def add(
        self, media: MediaFrames, name: str, check: Callable[[], None] = lambda: None
    ) -> Summary:
        """Add a demonstration that was read elsewhere, untrimmed; store it and select it.

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

    def mark(self, name: str, pixel: Point | None) -> FirstFrame:
        """See `KeptDemonstrations.mark`; refused during a recording.

        Raises:
            DemonstrationError: as there; or one is being recorded.
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
