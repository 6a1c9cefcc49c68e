# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of one model: recording, storage, selection, marks. One thread owns them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.demonstration_reader import DemonstrationReader
from afformer_core.demonstrations.demonstration_file import (
    UsedFrame,
    read_entry,
    read_frames,
    read_used_frame,
)
from afformer_core.demonstrations.media import (
    MediaFrames,
    contact_candidates,
    contact_position,
    tapped,
)
from afformer_core.demonstrations.optical_flow import MOST_FRAMES, shown_rotation
from afformer_core.demonstrations.recording import Recording, record_whole
from afformer_core.demonstrations.state import (
    DemonstrationState,
    FinishedDemonstration,
    Phase,
    Recorded,
    Summary,
    join_names,
    split_names,
)
from afformer_core.demonstrations.store import DemonstrationStore, SelectionFile
from afformer_core.errors import AfformerError, DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.grounding import Prediction
from afformer_core.runtime.networks import Networks


class DemonstrationLibrary:
    """The finished demonstrations of one model, their selection, and the running recording.

    A stored demonstration is memorized when it is first needed. Its encoded frames are used if the
    same model encoded them, which is quick and reproduces the original memory exactly. Otherwise
    its images are encoded again.

    Args:
        grounder: model, which no other object uses.
        store: store of finished demonstrations; None: they exist only as long as this object.
        changed: called with the new state after each change.
        trim: see `Recording`.
        selection_file: file of the selection; None: not stored.

    Attributes:
        problems: one sentence for each damaged file of the store.
        revision: number that increases whenever images may be grounded against other
            demonstrations.
        selected: selection against which images are grounded, names joined by '+', or ''.

    Raises:
        HandModelError: the shipped hand networks are missing or damaged.
    """

    def __init__(
        self,
        grounder: ArrayGrounder,
        store: DemonstrationStore | None,
        changed: Callable[[DemonstrationState], None] = lambda state: None,
        selection_file: SelectionFile | None = None,
        *,
        trim: bool = True,
    ) -> None:
        DemonstrationReader()  # reports unusable hand networks now, not at the first recording
        self._grounder, self._store = grounder, store
        self._changed = changed
        self._trim = trim
        self._recording: Recording | None = None
        self._failed = False
        self._message = 'no demonstration is selected'
        self.revision = 0
        self._selected: tuple[str, ...] = ()
        self.selected = ''
        self._selection_file = selection_file
        self._selection_problem = ''
        entries, self.problems = ((), ()) if store is None else store.load_all()
        finished = (FinishedDemonstration(entry.summary) for entry in entries)
        self._finished = {kept.summary.name: kept for kept in finished}
        self._versions = {} if store is None else store.versions()  # when it was last read

    @property
    def configuration(self) -> AfformerConfiguration:
        """Configuration of the model."""
        return self._grounder.configuration

    @property
    def recording(self) -> bool:
        """Whether a demonstration is being recorded."""
        return self._recording is not None

    @property
    def recorded_seconds(self) -> float:
        """Duration of the recording so far, seconds."""
        return 0.0 if self._recording is None else self._recording.duration

    def use(self, networks: Networks) -> None:
        """Replace the networks with others of the same weights; keep all demonstrations."""
        self._grounder.use(networks)

    def start(self, name: str) -> str:
        """Start a recording; return its name, which is generated if it is empty.

        Raises:
            DemonstrationError: a recording is running, the name is not allowed, or another process
                has recorded or is recording a demonstration with this name.
        """
        self._require_no_recording()
        name = name or self._free_name()
        self._require_own(name)
        self._recording = Recording(name, self._grounder, self._store, trim=self._trim)
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
            self._recording.losses['were lost on the way'] = on_the_way
            self._recording.losses['were dropped'] = dropped

    def reject_frame(self, error: AfformerError) -> None:
        """Count a frame that cannot be read; the recording continues."""
        if self._recording is not None:
            self._recording.losses['could not be read'] += 1
            self._report(f'recording {self._recording.name!r}: a frame was left out: {error}')

    def finish(self, reason: str = '') -> Summary:
        """End the recording, store it on disk and select it.

        Args:
            reason: reason why it ends without a request.

        Raises:
            DemonstrationError: no recording is running, or it has no frame and is dropped.
        """
        recording, self._recording = self._require_recording(), None
        try:
            recorded = recording.finish()
        except Exception as error:
            # the recording has ended even if something fails, and the state must show it
            self.fail(str(error) or type(error).__name__)
            raise
        return self._take(recorded, [*filter(None, [reason]), *recording.losses_told()])

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
            self._require_own(name)
            recorded = record_whole(media, name, self._grounder, self._store, check)
        except Exception as error:
            self.fail(str(error) or type(error).__name__)
            raise
        return self._take(recorded, [])

    def select(self, selection: str) -> None:
        """Select a demonstration, or several to be grounded together: 'press_left+press_right'.

        Raises:
            DemonstrationError: a name is unknown or given twice, or its file was damaged in the
                meantime.
        """
        names = split_names(selection)
        self.refresh()
        self._memorize(names)
        self._failed = False
        self._set_selection(names)
        self._report(f'{selection!r} is selected')

    def prepare(self, selection: str) -> tuple[str, ...]:
        """Memorize demonstrations for grounding, or for '' the selection; return their names.

        Raises:
            DemonstrationError: see `select`; or none is selected.
        """
        names = split_names(selection) if selection else self._required_selection()
        self.refresh()
        self._memorize(names)
        return names

    def restore_selection(self) -> None:
        """Restore the selection of the previous process, if its demonstrations still exist."""
        try:
            if self._selection_file is not None and (kept := self._selection_file.read()):
                self.select(kept)
        except DemonstrationError as error:
            self._report(f'the last selection cannot be restored: {error}')

    def refresh(self) -> DemonstrationState:
        """Apply changes that other processes made to the store; return the resulting state.

        New and replaced demonstrations are read, and those whose file was removed are dropped. Of
        the selected ones, those whose file was removed are kept, and replaced ones keep their
        memory until they are memorized again.
        """
        before = self._versions
        with suppress(OSError):  # a folder that cannot be listed has not changed
            self._versions = {} if self._store is None else self._store.versions()
        changed = [name for name, version in self._versions.items() if version != before.get(name)]
        removed = [name for name in before if name not in self._versions]
        for name in changed:
            assert self._store is not None
            try:
                summary = read_entry(self._store.file(name)).summary
            except DemonstrationError as error:
                self.problems = (*self.problems, str(error))
                continue
            self._finished.pop(name, None)
            self._finished[name] = FinishedDemonstration(summary, by_another=True, outdated=True)
        for name in removed:
            if name not in self._selected:
                self._forget(name)
            elif name in self._finished:
                self._finished[name].unkept = 'its file was removed'
        if changed or removed:
            self._changed(self.state())
        return self.state()

    def used_frame(self, name: str, *, last: bool = False) -> UsedFrame:
        """Read the first or the last used frame of a demonstration, its mark and candidates.

        One that another process has replaced has no candidates until it is memorized again.

        Args:
            name: name of the demonstration; '' for the selected one.
            last: whether to read the last frame.

        Raises:
            DemonstrationError: the name is unknown, its frames are not stored, or none or several
                are selected.
        """
        name = self._one_name(name)
        frame = read_used_frame(self._storing(name).file(name), last=last)
        if last or frame.mark is not None or self._finished[name].outdated:
            return frame
        self._memorize([name])
        memorized = self._grounder.demonstration(name)
        return replace(frame, candidates=contact_candidates(memorized, frame.image))

    def mark(self, name: str, pixel: Point | None) -> UsedFrame:
        """Mark the contact of a demonstration, also on disk; return its first frame with the mark.

        Args:
            name: name of the demonstration; '' for the selected one.
            pixel: (x, y) in that frame, see `tapped`; None: the model finds the contact.

        Raises:
            DemonstrationError: see `used_frame`; or a recording is running, another process
                records under this name, the pixel lies outside the frame, the model does not
                support marks, or writing fails; nothing has changed.
        """
        self._require_no_recording()
        name = self._one_name(name)
        store = self._storing(name)
        store.require_not_written(name, 'Mark it after the recording')
        first, finished = self.used_frame(name), self._finished[name]
        if pixel is not None:
            pixel = tapped(pixel, [(peak.u, peak.v) for peak in first.candidates], first.image)
        contact = None if pixel is None else contact_position(pixel, first.image)
        encoded = replace(self._stored_frames(finished.summary), contact=contact)
        # A model that does not support marks rejects it before anything is written.
        self._grounder.contact(encoded)
        rotation = finished.summary.shown_rotation
        frames = read_frames(store.file(name), MOST_FRAMES)
        # A loaded file contains only the frames that the model uses.
        if len(frames) > finished.summary.frames_kept:
            rotation = shown_rotation(self._grounder, encoded, frames)
        finished.summary = store.mark(name, contact, rotation)
        self._note_version(name)
        encoded = replace(encoded, rotation=rotation)
        memorized = self._grounder.memorize(encoded, name, finished.summary.frames)
        finished.outdated = False
        first = replace(first, mark=pixel, candidates=contact_candidates(memorized, first.image))
        if name in self._selected:  # images are now grounded against another memory
            self._set_selection(self._selected)
        self._report(str(first))
        return first

    def delete(self, name: str) -> None:
        """Delete a demonstration, also on disk; a selection that contains it becomes empty.

        Raises:
            DemonstrationError: the name is unknown, or its file cannot be deleted.
        """
        if name not in self._finished:
            self.refresh()
        self._entry(name)
        if self._store is not None:
            self._store.delete(name)
        self._versions.pop(name, None)
        self._forget(name)
        if name in self._selected:
            self._set_selection(())
            self._report(f'the selected demonstration {name!r} was deleted; select another')
        else:
            self._report(f'{name!r} was deleted')

    def fail(self, message: str) -> None:
        """Report a failure, even before a demonstration exists."""
        self._failed = True
        self._report(message)

    def predict(self, image: NDArray[Any], names: Sequence[str] = ()) -> Prediction:
        """Ground an image, uint8 RGB [H, W, 3], against prepared demonstrations, or the selection.

        Raises:
            DemonstrationError: none is selected, or there is no demonstration with one of the
                names.
            ImageError: this is not an image.
        """
        return self._grounder.predict(image, *(names or self._selected))

    def state(self) -> DemonstrationState:
        """Return the state of the demonstrations."""
        recording, phase = self._recording, Phase.READY if self._selected else Phase.IDLE
        unkept = [(name, finished.unkept) for name, finished in self._finished.items()]
        unkept += [] if recording is None else [(recording.name, recording.problem)]
        lost = [
            f'{name!r} will be lost when the process ends: {why}' for name, why in unkept if why
        ]
        selected = [self._entry(name).summary for name in self._selected]
        return DemonstrationState.of(
            Phase.RECORDING if recording else Phase.FAILED if self._failed else phase,
            [recording] if recording else selected,
            selected=self.selected,
            names=tuple(self._finished),
            message=self._message,
            problem='; '.join(filter(None, [*lost, self._selection_problem])),
        )

    def _report(self, message: str) -> None:
        self._message = message
        self._changed(self.state())

    def _take(self, recorded: Recorded, notes: list[str]) -> Summary:
        """Memorize and select a recording; it replaces a demonstration of the same name."""
        summary, name = recorded.summary, recorded.summary.name
        if name in self._finished:
            notes = [*notes, 'an earlier one of this name was replaced']
        self._grounder.memorize(recorded.encoded, name, summary.frames)
        self._finished.pop(name, None)  # the newest is the last one
        self._finished[name] = FinishedDemonstration(summary, recorded.problem)
        self._note_version(name)
        self._failed = False
        self._set_selection((name,))
        self._report('; '.join([f'{self.selected!r} is selected: {recorded}', *notes]))
        return summary

    def _set_selection(self, names: tuple[str, ...]) -> None:
        self._selected, self.selected = names, join_names(names)
        self.revision += 1
        if self._selection_file is not None:
            self._selection_problem = self._selection_file.write(self.selected)

    def _required_selection(self) -> tuple[str, ...]:
        if not self._selected:
            raise DemonstrationError('no demonstration is selected. Select one, or name one')
        return self._selected

    def _one_name(self, name: str) -> str:
        """Return the name of a demonstration, or of the only selected one for ''."""
        self.refresh()
        names = (name,) if name else self._required_selection()
        if len(names) > 1:
            raise DemonstrationError(
                f'{len(names)} demonstrations are selected: {self.selected}; expected one. '
                'Name one'
            )
        self._entry(names[0])
        return names[0]

    def _entry(self, name: str) -> FinishedDemonstration:
        if name not in self._finished:
            raise DemonstrationError.unknown(name, self._finished)
        return self._finished[name]

    def _require_recording(self) -> Recording:
        if self._recording is None:
            raise DemonstrationError('no demonstration is being recorded; start one first')
        return self._recording

    def _require_no_recording(self) -> None:
        if self._recording is not None:
            raise DemonstrationError(
                f'demonstration {self._recording.name!r} is being recorded; finish it first'
            )

    def _free_name(self) -> str:
        """Return a name that is free here and in the store, including files of other processes."""
        names = (f'demonstration_{number}' for number in itertools.count(1))
        free = (name for name in names if name not in self._finished)
        return next(name for name in free if self._store is None or not self._store.holds(name))

    def _require_own(self, name: str) -> None:
        """Check that no other process has recorded, or is recording, under a name."""
        if self._store is None:
            return
        self._store.require_not_written(name, 'Choose another name')
        version, finished = self._store.version(name), self._finished.get(name)
        known = finished is not None and version == self._versions.get(name)
        if (finished is not None and finished.by_another) or (version is not None and not known):
            raise DemonstrationError(
                f'the store contains {name!r} from another process. Delete it first, or choose '
                'another name'
            )

    def _note_version(self, name: str) -> None:
        """Note the version of a file that this process has written."""
        if self._store is not None and (version := self._store.version(name)) is not None:
            self._versions[name] = version

    def _forget(self, name: str) -> None:
        self._finished.pop(name, None)
        if name in self._grounder.demonstrations:
            self._grounder.delete_demonstration(name)

    def _storing(self, name: str) -> DemonstrationStore:
        """Return the store, if it keeps a demonstration."""
        unkept = self._finished[name].unkept
        if self._store is None or unkept:
            reason = unkept or 'there is no store'
            raise DemonstrationError(f'the frames of {name!r} are not stored: {reason}')
        return self._store

    def _memorize(self, names: Sequence[str]) -> None:
        """Memorize all of these demonstrations in the grounder, unless they already are."""
        for finished in [self._entry(name) for name in names]:
            summary = finished.summary
            if summary.name in self._grounder.demonstrations and not finished.outdated:
                continue
            encoded = self._stored_frames(summary)
            finished.summary = replace(summary, frames_kept=len(encoded))
            encoded = replace(
                encoded, rotation=summary.shown_rotation, contact=summary.marked_contact
            )
            self._grounder.memorize(encoded, summary.name, summary.frames)
            finished.outdated = False

    def _stored_frames(self, summary: Summary) -> EncodedFrames:
        """Return the used frames; encode them again if another model encoded them."""
        assert self._store is not None
        grounder = self._grounder
        encoded = self._store.encoded_frames(summary.name, grounder.fingerprint)
        if encoded is not None:
            return encoded
        frames = read_frames(self._store.file(summary.name), self.configuration.maximum_frames)
        images = [grounder.resize(frame) for frame in frames]
        return EncodedFrames.stack([(image, grounder.encode(image)) for image in images])
