# SPDX-License-Identifier: Apache-2.0
"""A dialog to choose a file of this machine in given folders."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nicegui import ui
from nicegui.elements.dialog import Dialog

from afformer_core.studio.file_choice import Choice, Kind, list_choices
from afformer_core.studio.messages import told_errors


class FileDialog:
    """The dialog.

    The browser does not send paths, but only which of the listed lines was chosen.

    Args:
        permitted: resolved folders that may be read, at least one.
        kinds: kinds that can be chosen.
    """

    def __init__(self, permitted: tuple[Path, ...], kinds: Collection[Kind]) -> None:
        self._permitted = permitted
        self._kinds = kinds
        self._dialog: Dialog = ui.dialog()
        with self._dialog, ui.card().classes('w-[560px] max-w-full'):
            self._title = ui.label().classes('font-bold [overflow-wrap:anywhere]')
            self._lines = ui.list().classes('w-full max-h-96 overflow-auto')
            ui.button('Cancel', on_click=lambda: self._dialog.submit(None)).props('flat')

    async def choose(self) -> Choice | None:
        """Open the dialog, and return the choice; None for nothing."""
        self._show_top()
        self._dialog.open()
        chosen = await self._dialog
        return chosen if isinstance(chosen, Choice) else None

    def _show_top(self) -> None:
        self._title.text = 'Folders'
        self._lines.clear()
        with self._lines:
            for folder in self._permitted:
                self._line(Choice(str(folder), folder, Kind.FOLDER))

    def _show(self, folder: Path) -> None:
        with told_errors():
            choices = list_choices(folder, self._permitted)
            self._title.text = str(folder)
            self._lines.clear()
            with self._lines:
                ui.item('Back', on_click=lambda: self._show_above(folder))
                for choice in choices:
                    if choice.kind is Kind.FOLDER or choice.kind in self._kinds:
                        self._line(choice)

    def _show_above(self, folder: Path) -> None:
        if folder in self._permitted:
            self._show_top()
        else:
            self._show(folder.parent)

    def _line(self, choice: Choice) -> None:
        if choice.kind is Kind.FOLDER:
            ui.item(f'{choice.name}/', on_click=lambda: self._show(choice.path))
        else:
            text = f'{choice.name} ({choice.kind.value})'
            ui.item(text, on_click=lambda: self._dialog.submit(choice))
