# SPDX-License-Identifier: Apache-2.0
"""Finished demonstrations: their summaries, their files, and their memories in the model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from afformer_core.demonstrations.demonstration_file import UsedFrame
from afformer_core.demonstrations.media import contact_candidates, contact_position, tapped
from afformer_core.demonstrations.rotation_estimate import MOST_FRAMES, shown_rotation
from afformer_core.demonstrations.state import Recorded, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.grounding import ShownRotation


class DemonstrationCollection:
    """Finished demonstrations of one grounder.

    A stored demonstration is memorized when it is first needed. Its encoded frames are used if the
    same model encoded them, which is quick and reproduces the original memory exactly. Otherwise
    its images are encoded again.

    Args:
        grounder: model that memorizes the demonstrations.
        store: store of their files; None: they exist only as long as this object.
    """

    def __init__(self, grounder: ArrayGrounder, store: DemonstrationStore | None) -> None:
        self._grounder = grounder
        self._store = store
        entries, self.problems = ((), ()) if store is None else store.load_all()
        self._summaries = {entry.summary.name: entry.summary for entry in entries}
        self._versions = {} if store is None else store.versions()
        self._unkept: dict[str, str] = {}
        self._other_files: set[str] = set()
        self._outdated: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all demonstrations, oldest first."""
        return tuple(self._summaries)

    def summary(self, name: str) -> Summary:
        """Return the summary of a demonstration.

        Raises:
            DemonstrationError: there is no demonstration with this name.
        """
        if name not in self._summaries:
            raise DemonstrationError.unknown(name, self._summaries)
        return self._summaries[name]

    def free_name(self) -> str:
        """Return a name that is free here and in the store, including files of other processes."""
        names = (f'demonstration_{number}' for number in itertools.count(1))
        return next(name for name in names if not self._is_taken(name))

    def _is_taken(self, name: str) -> bool:
        return name in self._summaries or (self._store is not None and self._store.holds(name))

    def require_own(self, name: str) -> None:
        """Check that no other process has recorded, or is recording, under a name.

        Raises:
            DemonstrationError: another process has recorded or is recording it, or the name is not
                allowed.
        """
        if self._store is None:
            return
        if self._store.written_elsewhere(name):
            raise DemonstrationError(
                f'{name!r} is being recorded by another process. Choose another name'
            )
        version = self._store.version(name)
        known = name in self._summaries and version == self._versions.get(name)
        if (version is not None and not known) or name in self._other_files:
            raise DemonstrationError(
                f'the store contains {name!r} from another process. Delete it first, or choose '
                'another name'
            )

    def take(self, recorded: Recorded) -> None:
        """Memorize a recording; it replaces a demonstration of the same name."""
        summary = recorded.summary
        name = summary.name
        self._grounder.memorize(recorded.encoded, name, summary.frames)
        self._forget(name)
        self._summaries[name] = summary
        version = None if self._store is None else self._store.version(name)
        if version is not None:
            self._versions[name] = version
        if recorded.problem:
            self._unkept[name] = recorded.problem

    def refresh(self, needed: Sequence[str]) -> bool:
        """Apply changes that other processes made to the store.

        New and replaced demonstrations are read, and those whose file was removed are dropped.

        Args:
            needed: names that are being grounded, which are kept even if their files were removed;
                a replaced demonstration keeps its memory until it is memorized again.

        Returns:
            whether anything changed.
        """
        if self._store is None:
            return False
        try:
            versions = self._store.versions()
        except OSError:
            return False
        changed = [
            name for name, version in versions.items() if version != self._versions.get(name)
        ]
        removed = [name for name in self._versions if name not in versions]
        self._versions = versions
        for name in changed:
            self._read_anew(name)
        for name in removed:
            if name in needed:
                self._unkept[name] = 'its file was removed'
            else:
                self._forget(name)
                if name in self._grounder.demonstrations:
                    self._grounder.delete_demonstration(name)
        return bool(changed or removed)

    def unkept(self) -> list[str]:
        """Return a sentence for each demonstration that will be lost when the process ends."""
        return [
            f'{name!r} will be lost when the process ends: {why}'
            for name, why in self._unkept.items()
        ]

    def memorize(self, names: Sequence[str]) -> None:
        """Memorize all of these demonstrations in the grounder, unless they already are.

        Raises:
            DemonstrationError: there is no demonstration with one of the names, or its file was
                damaged in the meantime.
        """
        summaries = [self.summary(name) for name in names]
        for summary in summaries:
            name = summary.name
            if name not in self._grounder.demonstrations or name in self._outdated:
                self._memorize_stored(summary)
                self._outdated.discard(name)

    def used_frame(self, name: str, *, last: bool) -> UsedFrame:
        """Read the first or the last used frame of a demonstration.

        One that another process has replaced has no candidates until it is memorized again.

        Raises:
            DemonstrationError: there is no demonstration with this name, or its frames are not
                stored.
        """
        self.summary(name)
        frame = self._storing(name).used_frame(name, last=last)
        if last or frame.mark is not None or name in self._outdated:
            return frame
        self.memorize([name])
        memorized = self._grounder.demonstration(name)
        return replace(frame, candidates=contact_candidates(memorized, frame.image))

    def mark(self, name: str, pixel: Point | None) -> UsedFrame:
        """Mark the contact of a demonstration, also on disk, and memorize it again.

        Args:
            name: name of the demonstration.
            pixel: (x, y) in its first used frame, see `tapped`; None: the model finds the contact.

        Returns:
            that frame with its mark.

        Raises:
            DemonstrationError: there is no demonstration with this name, its frames are not
                stored, another process records under its name, the pixel lies outside the frame,
                the model does not support marks, or writing fails; nothing has changed.
        """
        summary, store = self.summary(name), self._storing(name)
        if store.written_elsewhere(name):
            raise DemonstrationError(
                f'{name!r} is being recorded by another process. Mark it after the recording'
            )
        first = self.used_frame(name, last=False)
        if pixel is not None:
            pixel = tapped(pixel, [(peak.u, peak.v) for peak in first.candidates], first.image)
        contact = None if pixel is None else contact_position(pixel, first.image)
        encoded = replace(self._stored_frames(summary), contact=contact)
        # A model that does not support marks rejects it before anything is written.
        self._grounder.contact(encoded)
        encoded = replace(encoded, rotation=self._rotation(summary, store, encoded))
        self._summaries[name] = store.mark(name, contact, encoded.rotation)
        version = store.version(name)
        if version is not None:
            self._versions[name] = version
        memorized = self._grounder.memorize(encoded, name, summary.frames)
        self._outdated.discard(name)
        candidates = contact_candidates(memorized, first.image)
        return replace(first, mark=pixel, candidates=candidates)

    def delete(self, name: str) -> None:
        """Delete a demonstration, also on disk.

        Raises:
            DemonstrationError: there is no demonstration with this name, or its file cannot be
                deleted.
        """
        self.summary(name)
        if self._store is not None:
            self._store.delete(name)
        self._forget(name)
        self._versions.pop(name, None)
        if name in self._grounder.demonstrations:
            self._grounder.delete_demonstration(name)

    def _read_anew(self, name: str) -> None:
        assert self._store is not None
        try:
            summary = self._store.entry(name).summary
        except DemonstrationError as error:
            self.problems = (*self.problems, str(error))
            return
        self._forget(name)
        self._summaries[name] = summary
        self._other_files.add(name)
        self._outdated.add(name)

    def _forget(self, name: str) -> None:
        self._summaries.pop(name, None)
        self._unkept.pop(name, None)
        self._other_files.discard(name)
        self._outdated.discard(name)

    def _storing(self, name: str) -> DemonstrationStore:
        """Return the store, if it keeps a demonstration."""
        if self._store is None or name in self._unkept:
            reason = self._unkept.get(name, 'there is no store')
            raise DemonstrationError(f'the frames of {name!r} are not stored: {reason}')
        return self._store

    def _memorize_stored(self, summary: Summary) -> None:
        encoded = self._stored_frames(summary)
        if len(encoded) != summary.frames_kept:
            self._summaries[summary.name] = replace(summary, frames_kept=len(encoded))
        rotation, contact = summary.shown_rotation, summary.marked_contact
        encoded = replace(encoded, rotation=rotation, contact=contact)
        self._grounder.memorize(encoded, summary.name, summary.frames)

    def _stored_frames(self, summary: Summary) -> EncodedFrames:
        """Return the used frames; encode them again if another model encoded them."""
        assert self._store is not None
        grounder = self._grounder
        encoded = self._store.encoded_frames(summary.name, grounder.fingerprint)
        if encoded is not None:
            return encoded
        frames = self._store.frames(summary.name, grounder.configuration.maximum_frames)
        images = [grounder.resize(frame) for frame in frames]
        return EncodedFrames.stack([(image, grounder.encode(image)) for image in images])

    def _rotation(
        self, summary: Summary, store: DemonstrationStore, encoded: EncodedFrames
    ) -> ShownRotation:
        """Estimate the rotation around another contact, if there are enough frames."""
        frames = store.frames(summary.name, MOST_FRAMES)
        if len(frames) <= summary.frames_kept:
            # A loaded file contains only the frames that the model uses.
            return summary.shown_rotation
        return shown_rotation(self._grounder, encoded, frames)
