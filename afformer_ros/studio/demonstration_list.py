# SPDX-License-Identifier: Apache-2.0
"""A list of the demonstrations of a grounding node."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.elements.dialog import Dialog

from afformer_core.studio.messages import told_errors
from afformer_core.studio.timeline import attribute_text
from afformer_ros.studio.grounding_link import GroundingLink


class DemonstrationList:
    """The list, with buttons to select and delete.

    Args:
        link: link to the node.
    """

    def __init__(self, link: GroundingLink) -> None:
        self._link = link
        self._shown: Any = None
        ui.label('Demonstrations').classes('text-lg font-bold')
        self._lines = ui.column().classes('w-full gap-1 demonstrations')
        self._dialog: Dialog = ui.dialog()
        with self._dialog, ui.card():
            self._question = ui.label()
            with ui.row():
                ui.button('Delete', on_click=lambda: self._dialog.submit(True))
                ui.button('Keep', on_click=lambda: self._dialog.submit(False)).props('flat')

    def refresh(self) -> None:
        """Show the last known demonstrations."""
        watch = self._link.watch
        if (watch.names, watch.selected) == self._shown:
            return
        self._shown = watch.names, watch.selected
        self._lines.clear()
        with self._lines:
            if not watch.names:
                ui.label('None yet. Record one, or load a file.').classes('text-sm')
            for name in watch.names:
                self._line(name, watch.selected)

    def _line(self, name: str, selected: tuple[str, ...]) -> None:
        alone = selected == (name,)
        others = tuple(other for other in selected if other != name)
        with ui.row().classes('w-full items-center no-wrap gap-1 demonstration'):
            ui.icon('check' if name in selected else '', size='xs').classes('w-4')
            text = f'{name} (grounded)' if name in selected else name
            ui.label(text).classes('grow [overflow-wrap:anywhere]')
            if not alone:
                self._button('Select', f'Select {name} alone', name)
            if others and name in selected:
                self._button('Leave out', f'Leave {name} out', '+'.join(others))
            if others and name not in selected:
                self._button('Add', f'Ground {name} as well', '+'.join((*others, name)))
            ui.button(icon='delete', on_click=lambda: self._delete(name)).props(
                f'flat dense aria-label="Delete {attribute_text(name)}"'
            )

    def _button(self, text: str, description: str, selection: str) -> None:
        async def select() -> None:
            with told_errors():
                await self._link.succeed('select_demonstration', name=selection)
                await self._link.watch.list_demonstrations()

        button = ui.button(text, on_click=select)
        button.props(f'flat dense no-caps aria-label="{attribute_text(description)}"')

    async def _delete(self, name: str) -> None:
        self._question.text = f'Delete {name!r} from the robot? It is gone for good.'
        self._dialog.open()
        if await self._dialog:
            with told_errors():
                await self._link.succeed('delete_demonstration', name=name)
                await self._link.watch.list_demonstrations()
