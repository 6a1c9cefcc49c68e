# SPDX-License-Identifier: Apache-2.0
"""The panel of the demonstrations of a page, each a card with its timeline, part and mark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nicegui import ui

from afformer_core.media.polygons import Point
from afformer_core.media.video_frames import Part
from afformer_core.studio.messages import told_errors
from afformer_core.studio.timeline import TimelineView, attribute_text
from afformer_core.studio.trying.contact_picker import ask_contact
from afformer_core.studio.trying.workspace import ShownDemonstration, Workspace
from afformer_core.studio.uploads import build_upload_field

# Resolution of the ends of the part, and minimum length of the part, seconds.
_STEP, _LEAST = 0.05, 0.2


class _ImmediateRange(ui.range):
    """A range slider whose ends the browser sets, see `ImmediateSlider`."""

    # With False, NiceGUI gives Quasar's range no numbers.
    LOOPBACK = None


class DemonstrationCard:
    """The card.

    Args:
        workspace: demonstrations of the page.
        shown: the demonstration.
        changed: called when its use, part or mark changes.
        remove: called with the card when its button is pressed.

    Attributes:
        shown: the demonstration, with its part and its mark.
    """

    def __init__(
        self,
        workspace: Workspace,
        shown: ShownDemonstration,
        changed: Callable[[], None],
        remove: Callable[[DemonstrationCard], None],
    ) -> None:
        self.shown = shown
        self._workspace = workspace
        self._changed = changed
        self._expected: tuple[Part | None, Point | None] = (None, None)
        self._reading = False
        with ui.card().classes('w-full p-2 gap-1 demonstration') as self._card:
            with ui.row().classes('w-full items-center no-wrap gap-1'):
                self._use = ui.checkbox(shown.name, value=True).classes(
                    'grow [overflow-wrap:anywhere]'
                )
                self._use.on_value_change(lambda: changed())
                ui.button(icon='delete', on_click=lambda: remove(self)).props(
                    f'flat dense aria-label="Remove {attribute_text(shown.name)}"'
                )
            self._timeline = ui.column().classes('w-full gap-1')
            self._text = ui.label().classes('text-sm part')
            self._text.set_visibility(shown.has_parts)
            if shown.has_parts:
                self._build_range(shown.duration)
            with ui.row().classes('items-center gap-1'):
                mark = ui.button('Mark the operated part', icon='ads_click', on_click=self._mark)
                self._unmark = ui.button('Unmark', on_click=lambda: self.mark(None))
                for button in (mark, self._unmark):
                    button.props('flat dense no-caps')
        self._show()

    @property
    def is_used(self) -> bool:
        """Whether it is grounded."""
        return bool(self._use.value)

    def remove(self) -> None:
        """Remove the demonstration and the card."""
        self._workspace.remove_demonstration(self.shown)
        self._card.delete()

    def _build_range(self, duration: float) -> None:
        whole = {'min': 0.0, 'max': duration}
        ends = _ImmediateRange(min=0, max=duration, step=_STEP, value=whole)
        name = attribute_text(self.shown.name)
        ends.props(f'aria-label="Part of {name} that the model uses"').classes('px-2')
        # Nothing is requested while the pointer moves.
        ends.on('change', self._choose, args=None)

    async def _choose(self, event: Any) -> None:
        begin, end = float(event.args['min']), float(event.args['max'])
        end = max(end, begin + _LEAST)
        whole = begin <= 0 and end >= self.shown.duration
        # A mark belongs to the first frame, which changes.
        await self._take(None if whole else (begin, end), None)

    async def _mark(self) -> None:
        await self.mark(await ask_contact(self.shown))

    async def mark(self, contact: Point | None) -> None:
        """Mark the contact in the first frame, as shares of its width and height, or unmark it."""
        await self._take(self.shown.part, contact)

    async def _take(self, part: Part | None, contact: Point | None) -> None:
        """Apply the last part and mark, one reading at a time."""
        self._expected = part, contact
        if self._reading:
            return
        self._reading = True
        try:
            with told_errors():
                while self._expected != (self.shown.part, self.shown.contact):
                    again = await self._workspace.memorize_again(self.shown, *self._expected)
                    if again is None:
                        return
                    self.shown = again
                    self._show()
                    self._changed()
        finally:
            self._reading = False

    def _show(self) -> None:
        self._timeline.clear()
        with self._timeline:
            TimelineView(self.shown.timeline, self.shown.frame_count, self.shown.name)
        begin, end = self.shown.part or (0.0, self.shown.duration)
        self._text.text = f'The model uses {begin:.2f} to {end:.2f} s:'
        self._unmark.set_visibility(self.shown.contact is not None)


class DemonstrationPanel:
    """The panel.

    Args:
        workspace: demonstrations of the page.
        changed: called when the choice of demonstrations changes.
    """

    def __init__(self, workspace: Workspace, changed: Callable[[], None]) -> None:
        self._workspace = workspace
        self._changed = changed
        self._cards: list[DemonstrationCard] = []
        ui.label('Demonstrations').classes('text-lg font-bold')
        build_upload_field(
            'Drop videos here, or tap to choose',
            'video/*,.gif,.mkv',
            self.add,
            workspace.limits,
            workspace.uploads,
            video=True,
        )
        self._waiting = ui.row().classes('items-center')
        self._column = ui.column().classes('w-full max-md:order-1')

    @property
    def chosen(self) -> list[ShownDemonstration]:
        """The demonstrations to ground together."""
        return [card.shown for card in self._cards if card.is_used]

    async def mark(self, shown: ShownDemonstration, contact: Point) -> None:
        """Mark the contact of a demonstration, unless it was removed or changed."""
        for card in self._cards:
            if card.shown is shown:
                await card.mark(contact)
                return

    async def add(self, path: Path, name: str) -> None:
        """Read a demonstration and show it; see `Workspace.add_demonstration`."""
        with self._waiting:
            note = ui.label(f'Reading {name} ...')
        try:
            shown = await self._workspace.add_demonstration(path, name)
        finally:
            note.delete()
        with self._column:
            card = DemonstrationCard(self._workspace, shown, self._changed, self._remove)
            self._cards.append(card)
        self._changed()

    def clear(self) -> None:
        """Remove all demonstrations."""
        for card in list(self._cards):
            self._remove(card)

    def _remove(self, card: DemonstrationCard) -> None:
        self._cards.remove(card)
        card.remove()
        self._changed()
