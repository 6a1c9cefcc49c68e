# SPDX-License-Identifier: Apache-2.0
"""The panel of the demonstrations of a page, each with its timeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from afformer_core.media.polygons import Point
from afformer_core.studio.source_buttons import file_sources
from afformer_core.studio.trying.demonstration_card import DemonstrationCard
from afformer_core.studio.trying.workspace import ShownDemonstration, Workspace


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
        file_sources(
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
