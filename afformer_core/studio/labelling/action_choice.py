# SPDX-License-Identifier: Apache-2.0
"""The choice of the action for which points are marked."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui


class ActionChoice:
    """The choice.

    Args:
        names: names of the actions; may be empty.
        takes_new: whether new names may be added.
    """

    def __init__(self, names: Sequence[str], *, takes_new: bool) -> None:
        self._names = list(names)
        with ui.row().classes('w-full items-center gap-x-2 gap-y-0'):
            ui.label('Action').classes('font-bold')
            first = self._names[0] if self._names else None
            self._radio = ui.radio(self._options(), value=first).props('inline dense')
            if takes_new:
                field = ui.input('Another action').props('dense').classes('w-32')
                field.on('keydown.enter', lambda: self._take(field))

    @property
    def chosen(self) -> str:
        """Name of the chosen action.

        Raises:
            ValueError: no action is chosen yet.
        """
        if not self._radio.value:
            raise ValueError(
                'no action is chosen. Choose one above the image, or name another and press Enter'
            )
        return str(self._radio.value)

    def offer(self, names: Sequence[str]) -> None:
        """Add names after the others, without choosing one."""
        self._names += [name for name in names if name not in self._names]
        self._radio.set_options(self._options(), value=self._radio.value)

    def choose(self, index: int) -> None:
        """Choose by number, from 0; ignore a number that is too large."""
        if 0 <= index < len(self._names):
            self._radio.value = self._names[index]

    def choose_name(self, name: str) -> None:
        """Choose by name; a new name is added."""
        if name not in self._names:
            self._names.append(name)
        self._radio.set_options(self._options(), value=name)

    def _take(self, field: ui.input) -> None:
        if name := str(field.value).strip():
            self.choose_name(name)
        field.value = ''

    def _options(self) -> dict[str, str]:
        return {name: f'{number} {name}' for number, name in enumerate(self._names, 1)}
