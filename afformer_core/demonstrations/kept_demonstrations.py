# SPDX-License-Identifier: Apache-2.0
"""Finished demonstrations of one model: selection, marks, deletion. One thread owns them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from afformer_core.demonstrations.collection import DemonstrationCollection
from afformer_core.demonstrations.demonstration_file import UsedFrame
from afformer_core.demonstrations.selection import Selection, SelectionFile, split_names
from afformer_core.demonstrations.state import DemonstrationState, Phase
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.prediction import Prediction


class KeptDemonstrations:
    """The demonstrations of one grounder and their store; memorized when first selected.

    Args:
        grounder: model, which no other object uses.
        store: store of finished demonstrations; None: they exist only as long as this object.
        changed: called with the new state after each change.
        selection_file: file of the selection; None: not stored.
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

    def use(self, networks: Networks) -> None:
        """Replace the networks with others of the same weights; keep all demonstrations."""
        self._grounder.use(networks)

    @property
    def maximum_frames(self) -> int:
        """Maximum number of frames that the model uses of a demonstration."""
        return self._grounder.configuration.maximum_frames

    @property
    def selected(self) -> str:
        """Selection against which images are grounded, names joined by '+', or ''."""
        return str(self._selection)

    @property
    def revision(self) -> int:
        """Number that increases whenever images may be grounded against other demonstrations."""
        return self._selection.revision

    def select(self, selection: str) -> None:
        """Select a demonstration, or several to be grounded together: 'press_left+press_right'.

        Raises:
            DemonstrationError: a name is unknown or given twice, or its file was damaged in the
                meantime.
        """
        names = split_names(selection)
        self._finished.refresh(self._selection.names)
        self._finished.memorize(names)
        self._failed = False
        self._selection.set(names)
        self._report(f'{selection!r} is selected')

    def prepare(self, selection: str) -> tuple[str, ...]:
        """Memorize demonstrations for grounding, or for '' the selection; return their names.

        Raises:
            DemonstrationError: see `select`; or none is selected.
        """
        names = split_names(selection) if selection else self._selection.required()
        self.refresh()
        self._finished.memorize(names)
        return names

    def restore_selection(self) -> None:
        """Restore the selection of the previous process, if its demonstrations still exist."""
        kept = self._selection.kept()
        if not kept:
            return
        try:
            self.select(kept)
        except DemonstrationError as error:
            self._report(f'the last selection cannot be restored: {error}')

    def refresh(self) -> DemonstrationState:
        """Apply changes that other processes made to the store; return the resulting state."""
        if self._finished.refresh(self._selection.names):
            self._changed(self.state())
        return self.state()

    def used_frame(self, name: str, *, last: bool = False) -> UsedFrame:
        """Read the first or the last used frame of a demonstration, its mark and candidates.

        Args:
            name: name of the demonstration; '' for the selected one.
            last: whether to read the last frame.

        Raises:
            DemonstrationError: the name is unknown, its frames are not stored, or none or several
                are selected.
        """
        return self._finished.used_frame(self._one_name(name), last=last)

    def mark(self, name: str, pixel: Point | None) -> UsedFrame:
        """Mark the contact of a demonstration; return its first frame with the mark.

        Args:
            name: name of the demonstration; '' for the selected one.
            pixel: (x, y) in that frame, see `tapped`; None: remove the mark.

        Raises:
            DemonstrationError: see `used_frame` and `DemonstrationCollection.mark`.
        """
        first = self._finished.mark(self._one_name(name), pixel)
        if first.name in self._selection.names:
            # Images are now grounded against another memory.
            self._selection.set(self._selection.names)
        self._report(str(first))
        return first

    def delete(self, name: str) -> None:
        """Delete a demonstration, also on disk; a selection that contains it becomes empty.

        Raises:
            DemonstrationError: the name is unknown, or its file cannot be deleted.
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
        """Explain what will be lost when the process ends, and why; '' if nothing."""
        return '; '.join(filter(None, [*self._finished.unkept(), self._selection.problem]))

    def _report(self, message: str) -> None:
        self._message = message
        self._changed(self.state())
