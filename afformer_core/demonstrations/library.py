# SPDX-License-Identifier: Apache-2.0
"""The demonstrations of one model: recorded, kept on disk, selected. One thread owns them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.collection import DemonstrationCollection
from afformer_core.demonstrations.names import split_names
from afformer_core.demonstrations.recording import Recording, RecordingSettings, record_whole
from afformer_core.demonstrations.selection import Selection, SelectionFile
from afformer_core.demonstrations.state import DemonstrationState, Phase, Recorded, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.runtime import Grounder
from afformer_core.runtime.prediction import Prediction
from afformer_core.runtime.session import Session


class DemonstrationLibrary:
    """Demonstrations of one grounder and what is stored of them; memorized when first selected.

    Args:
        grounder: used by nobody else.
        store: where finished ones are kept; None: they end with this object.
        changed: called with the new state after each change.
        settings: how demonstrations are recorded.
        selection_file: where the selection is kept; None: it ends with this object.

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
        # A hand model that cannot be used is told now, not when somebody stands there to record.
        for detector in self._settings.detectors():
            detector.close()
        self._finished = DemonstrationCollection(grounder, store)

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each file of the store that is damaged."""
        return self._finished.problems

    def use(self, session: Session) -> None:
        """Compute by another session of the same weights from now on; all demonstrations stay."""
        self._grounder.use(session)

    @property
    def maximum_frames(self) -> int:
        """Frames that the model uses of a demonstration, at most."""
        return self._grounder.configuration.maximum_frames

    @property
    def selected(self) -> str:
        """What images are grounded against, several names joined by '+', or empty."""
        return str(self._selection)

    @property
    def revision(self) -> int:
        """Counts up whenever images may be grounded against something else than before."""
        return self._selection.revision

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
            DemonstrationError: one is being recorded, the name is not allowed, or it is that of a
                demonstration which another process has recorded or is recording.
        """
        self._require_no_recording()
        name = name or self._finished.free_name()
        self._finished.require_own(name)
        self._recording = Recording(name, self._grounder, self._store, self._settings)
        problem = self._recording.problem
        remark = f'; it will be lost at the end: {problem}' if problem else ''
        self._report(f'recording {name!r}{remark}')
        return name

    def add_frame(self, image: NDArray[np.uint8], stamp: float) -> None:
        """Add uint8 RGB [H, W, 3], taken at a time in seconds, to the recording.

        Raises:
            DemonstrationError: none is being recorded.
            ImageError: not an image; the recording goes on without it.
        """
        recording = self._require_recording()
        recording.add_frame(image, stamp)
        self._report(f'recording {recording.name!r}')

    def count_lost(self, on_the_way: int, dropped: int) -> None:
        """Tell how many frames of the recording have not come so far.

        Args:
            on_the_way: lost by the middleware.
            dropped: came, but could not wait.
        """
        if self._recording is not None:
            self._recording.losses.on_the_way = on_the_way
            self._recording.losses.dropped = dropped

    def reject_frame(self, error: ImageError) -> None:
        """Count a frame that cannot be read; the recording goes on."""
        if self._recording is not None:
            self._recording.losses.unreadable += 1
            self._report(f'recording {self._recording.name!r}: a frame was left out: {error}')

    def finish(self, reason: str = '') -> Summary:
        """End the recording, keep it on disk and select it.

        Args:
            reason: why it ends, where nobody asked for it.

        Raises:
            DemonstrationError: none is being recorded, or it has no frame; it is dropped then.
        """
        recording = self._require_recording()
        self._recording = None
        try:
            recorded = recording.finish()
        except Exception as error:
            # Whatever fails, nothing is being recorded any more, and everybody is to know.
            self.fail(str(error) or type(error).__name__)
            raise
        notes = [reason] if reason else []
        notes += recording.losses.told(recording.frames)
        return self._take(recorded, notes)

    def cancel(self, reason: str) -> None:
        """Drop the recording, if there is one, and say why."""
        if self._recording is not None:
            recording, self._recording = self._recording, None
            recording.cancel()
            self.fail(f'the recording of {recording.name!r} was dropped: {reason}')

    def add(
        self, frames: Sequence[NDArray[np.uint8]], name: str, frame_count: int, duration: float
    ) -> Summary:
        """Take a demonstration that was read elsewhere, whole, keep it on disk and select it.

        Args:
            frames: uint8 RGB [H, W, 3] in order, at least one.
            name: see `validated_name`.
            frame_count: frames that `frames` were sampled from, evenly.
            duration: seconds.

        Raises:
            DemonstrationError: one is being recorded, no frame, or the name is not allowed or
                another process's.
            ImageError: a frame is not an image.
        """
        self._require_no_recording()
        try:
            self._finished.require_own(name)
            recorded = record_whole(
                frames, frame_count, duration, name, self._grounder, self._store
            )
        except Exception as error:
            self.fail(str(error) or type(error).__name__)
            raise
        return self._take(recorded, [])

    def select(self, selection: str) -> None:
        """Ground this demonstration from now on, or several together: 'press_left+press_right'.

        Raises:
            DemonstrationError: unknown, named twice, or its file was damaged meanwhile.
        """
        names = split_names(selection)
        self._finished.refresh(self._selection.names)
        self._finished.memorize(names)
        self._failed = False
        self._selection.set(names)
        self._report(f'{selection!r} is selected')

    def restore_selection(self) -> None:
        """Select what was selected when the process ended, if that is known and still there."""
        kept = self._selection.kept()
        if not kept:
            return
        try:
            self.select(kept)
        except DemonstrationError as error:
            self._report(f'what was selected before cannot be selected again: {error}')

    def refresh(self) -> DemonstrationState:
        """Take over what other processes did to the store; returns the state after it."""
        if self._finished.refresh(self._selection.names):
            self._changed(self.state())
        return self.state()

    def delete(self, name: str) -> None:
        """Forget a demonstration, on disk too; a selection that it is part of becomes empty.

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

    def fail(self, message: str) -> None:
        """Tell a failure, also one that happened before a demonstration could be made."""
        self._failed = True
        self._report(message)

    def predict(self, image: NDArray[Any]) -> Prediction:
        """What the model says of uint8 RGB [H, W, 3] for the selection.

        Raises:
            DemonstrationError: none is selected.
            ImageError: not an image.
        """
        return self._grounder.predict(image, *self._selection.names)

    def state(self) -> DemonstrationState:
        """What is known now."""
        names, problem = self._finished.names, self._problem
        if self._recording is not None:
            return self._recording.state(self.selected, names, self._message, problem)
        shown = [self._finished.summary(name) for name in self._selection.names]
        ready = Phase.READY if shown else Phase.IDLE
        phase = Phase.FAILED if self._failed else ready
        return DemonstrationState.of_selection(phase, shown, names, self._message, problem)

    @property
    def _problem(self) -> str:
        """What will be lost at the end, and why; empty where nothing will."""
        problems = [*self._finished.unkept(), self._selection.problem]
        recording = self._recording
        if recording is not None and recording.problem:
            problems.append(f'{recording.name!r} will be lost at the end: {recording.problem}')
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
