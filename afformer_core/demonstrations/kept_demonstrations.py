# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of one model that are kept: selected, marked, deleted. One thread owns them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from afformer_core.demonstrations.collection import DemonstrationCollection
from afformer_core.demonstrations.demonstration_file import FirstFrame
from afformer_core.demonstrations.selection import Selection, SelectionFile, split_names
from afformer_core.demonstrations.state import DemonstrationState, Phase
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.prediction import Prediction
from afformer_core.runtime.session import Session


class KeptDemonstrations:
    """Demonstrations of one grounder and their store; memorized when first selected.

    Args:
        grounder: model, used by no other object.
        store: store of finished demonstrations; None to lose them with this object.
        changed: called with the new state after each change.
        selection_file: file of the selection; None to lose it with this object.
    """

    def __init__(
        self,
        grounder: ArrayGrounder,
        store: DemonstrationStore | None,
        changed: Callable[[DemonstrationState], None],
        selection_file: SelectionFile | None,
    ) -> None:
        self._grounder = grounder
        self._store = store
        self._changed = changed
        self._failed = False
        self._message = 'no demonstration is selected'
        self._selection = Selection(selection_file)
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
            DemonstrationError: see `first_frame` and `DemonstrationCollection.mark`.
        """
        first = self._finished.mark(self._one_name(name), pixel)
        if first.name in self._selection.names:
            # Images are grounded against another memory from now on.
            self._selection.set(self._selection.names)
        self._report(str(first))
        return first

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
        shown = [self._finished.summary(name) for name in self._selection.names]
        ready = Phase.READY if shown else Phase.IDLE
        phase = Phase.FAILED if self._failed else ready
        names, message = self._finished.names, self._message
        return DemonstrationState.of_selection(phase, shown, names, message, self._problem())

    def _one_name(self, name: str) -> str:
        self._finished.refresh(self._selection.names)
        return name or self._selection.required_one()

    def _problem(self) -> str:
        """Say what will be lost when the process ends, and why; '' if nothing will."""
        return '; '.join(filter(None, [*self._finished.unkept(), self._selection.problem]))

    def _report(self, message: str) -> None:
        self._message = message
        self._changed(self.state())
