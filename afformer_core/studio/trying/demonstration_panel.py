# SPDX-License-Identifier: Apache-2.0
"""Panel of the demonstrations of a page, each with its timeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from afformer_core.studio.file_choice import Kind
from afformer_core.studio.source_buttons import file_sources
from afformer_core.studio.timeline_view import attribute_text, build_timeline
from afformer_core.studio.trying.workspace import ShownDemonstration, Workspace


class DemonstrationPanel:
    """The panel.

    Args:
        workspace: demonstrations of the page.
        folders: resolved folders that may be read.
        changed: called when other demonstrations are chosen.
    """

    def __init__(
        self, workspace: Workspace, folders: tuple[Path, ...], changed: Callable[[], None]
    ) -> None:
        self._workspace = workspace
        self._changed = changed
        self._ignored: set[str] = set()
        ui.label('Demonstrations').classes('text-lg font-bold')
        kinds = (Kind.VIDEO, Kind.FRAMES, Kind.BAG)
        file_sources(
            'Drop videos here, or +',
            'video/*,.gif,.mkv',
            kinds,
            self.add,
            folders,
            workspace.limits,
        )
        self._waiting = ui.row().classes('items-center')
        self._cards = ui.column().classes('w-full')

    @property
    def chosen(self) -> list[ShownDemonstration]:
        """The demonstrations that are grounded together."""
        return [one for one in self._workspace.demonstrations if one.key not in self._ignored]

    async def add(self, path: Path, name: str) -> None:
        """Read a demonstration and show it; see `Workspace.add_demonstration`."""
        with self._waiting:
            note = ui.label(f'Reading {name} ...')
        try:
            shown = await self._workspace.add_demonstration(path, name)
        finally:
            note.delete()
        with self._cards:
            self._card(shown)
        self._changed()

    def clear(self) -> None:
        """Remove all demonstrations."""
        for shown in list(self._workspace.demonstrations):
            self._workspace.remove_demonstration(shown)
        self._cards.clear()
        self._changed()

    def _card(self, shown: ShownDemonstration) -> None:
        with ui.card().classes('w-full p-2 gap-1 demonstration') as card:
            with ui.row().classes('w-full items-center no-wrap gap-1'):
                use = ui.checkbox(shown.name, value=True).classes('grow break-all')
                use.on_value_change(lambda: self._choose(shown, bool(use.value)))
                ui.button(icon='delete', on_click=lambda: self._remove(shown, card)).props(
                    f'flat dense aria-label="Remove {attribute_text(shown.name)}"'
                )
            build_timeline(shown.timeline, shown.frame_count, shown.name)

    def _choose(self, shown: ShownDemonstration, use: bool) -> None:
        if use:
            self._ignored.discard(shown.key)
        else:
            self._ignored.add(shown.key)
        self._changed()

    def _remove(self, shown: ShownDemonstration, card: ui.card) -> None:
        self._workspace.remove_demonstration(shown)
        card.delete()
        self._changed()
