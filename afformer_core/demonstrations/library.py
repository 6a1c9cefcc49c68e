# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of one model: recorded, stored on disk, selected. One thread owns them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.collection import DemonstrationCollection
from afformer_core.demonstrations.contact_mark import FirstFrame
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import Recording, RecordingSettings, record_whole
from afformer_core.demonstrations.selection import Selection, SelectionFile, split_names
from afformer_core.demonstrations.state import DemonstrationState, Phase, Recorded, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.polygons import Point
from afformer_core.runtime import Grounder
from afformer_core.runtime.prediction import Prediction
from afformer_core.runtime.session import Session


class DemonstrationLibrary:
    """Demonstrations of one grounder and their store; memorized when first selected.

    Args:
        grounder: model, used by no other object.
        store: store of finished demonstrations; None to lose them with this object.
        changed: called with the new state after each change.
        settings: settings of recordings.
        selection_file: file of the selection; None to lose it with this object.

    Raises:
        DemonstrationError: the hand model cannot be used.
    """

    def __init__(
        self,
        grounder: Grounder,
        store: DemonstrationStore | None,
        changed: Callable[[DemonstrationState], None] = lambda state: None,
        settings: RecordingSettings | None = None,
        selection_file: SelectionFile | None = None,
    ) -> None:
        self._grounder = grounder
        self._store = store
        self._changed = changed
        self._settings = settings or RecordingSettings()
        self._recording: Recording | None = None
        self._failed = False
        self._message = 'no demonstration is selected'
        self._selection = Selection(selection_file)
        # an unusable hand model is reported now, not when somebody is ready to record
        for detector in self._settings.detectors():
            detector.close()
        self._finished = DemonstrationCollection(grounder, store)

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each damaged file of the store."""
        return self._finished.problems

    def use(self, session: Session) -> None:
        """Replace the session by another one of the same weights; all demonstrations stay."""
        self._grounder.use(session)

    @property
    def maximum_frames(self) -> int:
        """Largest number of frames that the model uses of a demonstration."""
        return self._grounder.configuration.maximum_frames

    @property
    def selected(self) -> str:
        """Selection that images are grounded against, names joined by '+', or ''."""
        return str(self._selection)

    @property
    def revision(self) -> int:
        """Number that rises whenever images may be grounded against other demonstrations."""
        return self._selection.revision

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

    def select(self, selection: str) -> None:
        """Select a demonstration, or several to be grounded together: 'press_left+press_right'.

        Raises:
            DemonstrationError: unknown, named twice, or its file was damaged meanwhile.
        """
        names = split_names(selection)
        self._finished.refresh(self._selection.names)
        self._finished.memorize(names)
        self._failed = False
        self._selection.set(names)
        self._report(f'{selection!r} is selected')

    def prepare(self, selection: str) -> tuple[str, ...]:
        """Memorize demonstrations, or with '' those selected, to be grounded; returns their names.

        Raises:
            DemonstrationError: see `select`; or none is selected.
        """
        names = split_names(selection) if selection else self._selection.required()
        self.refresh()
        self._finished.memorize(names)
        return names

    def restore_selection(self) -> None:
        """Select the demonstrations of the last process again, if they are still there."""
        kept = self._selection.kept()
        if not kept:
            return
        try:
            self.select(kept)
        except DemonstrationError as error:
            self._report(f'the last selection cannot be restored: {error}')

    def refresh(self) -> DemonstrationState:
        """Apply changes that other processes made to the store; returns the state afterwards."""
        if self._finished.refresh(self._selection.names):
            self._changed(self.state())
        return self.state()

    def delete(self, name: str) -> None:
        """Delete a demonstration, on disk too; a selection that contains it becomes empty.

        Raises:
            DemonstrationError: unknown, or the disk refuses.
        """
        if name not in self._finished.names:
            self._finished.refresh(self._selection.names)
        self._finished.delete(name)
        if name in self._selection.names:
            self._selection.set(())
            self._report(f'the selected demonstration {name!r} was deleted; select another')
        else:
            self._report(f'{name!r} was deleted')

    def first_frame(self, name: str) -> FirstFrame:
        """Read the first frame of a demonstration that the model uses, and its mark.

        Args:
            name: name of the demonstration; '' for the selected one.

        Raises:
            DemonstrationError: unknown, or its frames are not kept; none or several are selected.
        """
        return self._finished.first_frame(self._one_name(name))

    def mark(self, name: str, pixel: Point | None) -> FirstFrame:
        """Mark the contact of a demonstration; returns its first frame afterwards.

        Args:
            name: name of the demonstration; '' for the selected one.
            pixel: (x, y) in that frame; None: the mark is taken away.

        Raises:
            DemonstrationError: one is being recorded; or see `first_frame` and
                `DemonstrationCollection.mark`.
        """
        self._require_no_recording()
        name = self._one_name(name)
        first = self._finished.mark(name, pixel)
        if name in self._selection.names:
            # Images are grounded against another memory from now on.
            self._selection.set(self._selection.names)
        self._report(str(first))
        return first

    def _one_name(self, name: str) -> str:
        self._finished.refresh(self._selection.names)
        return name or self._selection.required_one()

    def fail(self, message: str) -> None:
        """Report a failure, also one before a demonstration could be made."""
        self._failed = True
        self._report(message)

    def predict(self, image: NDArray[Any], names: Sequence[str] = ()) -> Prediction:
        """Ground an image, uint8 RGB [H, W, 3], against prepared demonstrations, or the selection.

        Raises:
            DemonstrationError: none is selected, or there is none of a name.
            ImageError: not an image.
        """
        return self._grounder.predict(image, *(names or self._selection.names))

    def state(self) -> DemonstrationState:
        """Return the state of the demonstrations."""
        names, problem = self._finished.names, self._problem
        if self._recording is not None:
            return self._recording.state(self.selected, names, self._message, problem)
        shown = [self._finished.summary(name) for name in self._selection.names]
        ready = Phase.READY if shown else Phase.IDLE
        phase = Phase.FAILED if self._failed else ready
        return DemonstrationState.of_selection(phase, shown, names, self._message, problem)

    @property
    def _problem(self) -> str:
        """What will be lost when the process ends, and why; '' if nothing will."""
        recorded = [] if self._recording is None else self._recording.unkept()
        problems = [*self._finished.unkept(), self._selection.problem, *recorded]
        return '; '.join(one for one in problems if one)

    def _take(self, recorded: Recorded, notes: list[str]) -> Summary:
        if recorded.summary.name in self._finished.names:
            notes = [*notes, 'an earlier one of this name was replaced']
        self._finished.take(recorded)
        self._failed = False
        self._selection.set((recorded.summary.name,))
        self._report('; '.join([f'{self.selected!r} is selected: {recorded}', *notes]))
        return recorded.summary

    def _report(self, message: str) -> None:
        self._message = message
        self._changed(self.state())

    def _require_recording(self) -> Recording:
        if self._recording is None:
            raise DemonstrationError('no demonstration is being recorded; start one first')
        return self._recording

    def _require_no_recording(self) -> None:
        if self._recording is not None:
            raise DemonstrationError(
                f'demonstration {self._recording.name!r} is being recorded; finish it first'
            )
