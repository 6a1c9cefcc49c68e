# SPDX-License-Identifier: Apache-2.0
"""Finished demonstrations: their numbers, their files, and their memories in the model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from afformer_core.demonstrations.recorded import Recorded
from afformer_core.demonstrations.state import Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError
from afformer_core.runtime import Grounder
from afformer_core.runtime.encoded_frames import EncodedFrames


class DemonstrationCollection:
    """The finished demonstrations of one grounder.

    What lies in the store is memorized when it is first needed: from its encoded frames, which
    is quick and gives exactly the memory it had when it was recorded, or from its pictures where
    another model had encoded it.

    Args:
        grounder: that memorizes them.
        store: where they are kept; None: they end with this object.
    """

    def __init__(self, grounder: Grounder, store: DemonstrationStore | None) -> None:
        self._grounder = grounder
        self._store = store
        records, self.problems = ((), ()) if store is None else store.load_all()
        self._summaries = {one.summary.name: one.summary for one in records}

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, oldest first."""
        return tuple(self._summaries)

    def summary(self, name: str) -> Summary:
        """The numbers of one.

        Raises:
            DemonstrationError: there is none of the name.
        """
        if name not in self._summaries:
            raise DemonstrationError.unknown(name, self._summaries)
        return self._summaries[name]

    def free_name(self) -> str:
        """A name that none has, here or in the store, which another process may write to."""
        names = (f'demonstration_{number}' for number in itertools.count(1))
        return next(name for name in names if not self._is_taken(name))

    def _is_taken(self, name: str) -> bool:
        return name in self._summaries or (self._store is not None and self._store.holds(name))

    def take(self, recorded: Recorded) -> None:
        """Memorize what was recorded; one of its name is replaced."""
        summary = recorded.summary
        self._grounder.memorize(recorded.encoded, summary.name, summary.frames)
        self._summaries.pop(summary.name, None)
        self._summaries[summary.name] = summary

    def memorize(self, names: Sequence[str]) -> None:
        """See that the grounder has all of these.

        Raises:
            DemonstrationError: there is none of a name, or its file was damaged meanwhile.
        """
        summaries = [self.summary(name) for name in names]
        for summary in summaries:
            if summary.name not in self._grounder.demonstrations:
                self._memorize_stored(summary)

    def delete(self, name: str) -> None:
        """Forget one, on disk too.

        Raises:
            DemonstrationError: there is none of the name, or the disk refuses.
        """
        self.summary(name)
        if self._store is not None:
            self._store.delete(name)
        del self._summaries[name]
        if name in self._grounder.demonstrations:
            self._grounder.delete_demonstration(name)

    def _memorize_stored(self, summary: Summary) -> None:
        assert self._store is not None
        grounder, name = self._grounder, summary.name
        encoded = self._store.encoded_frames(name, grounder.fingerprint)
        if encoded is None:
            frames = self._store.frames(name, grounder.configuration.maximum_frames)
            images = [grounder.resize(frame) for frame in frames]
            encoded = EncodedFrames.stack([(image, grounder.encode(image)) for image in images])
            self._summaries[name] = replace(summary, frames_kept=len(encoded))
        grounder.memorize(encoded, name, summary.frames)
