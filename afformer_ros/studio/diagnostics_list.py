# SPDX-License-Identifier: Apache-2.0
"""A list of the statuses of a grounding node's components."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticStatus
from nicegui import ui

from afformer_ros.studio.words import component_of, level_in_words


class DiagnosticsList:
    """The list."""

    def __init__(self) -> None:
        self._shown: tuple[tuple[str, str, str, str], ...] = ()
        ui.label('What the node says').classes('text-lg font-bold')
        self._lines = ui.column().classes('w-full gap-1 diagnostics')

    def show(self, statuses: Sequence[DiagnosticStatus]) -> None:
        """Show statuses; do nothing if they are unchanged."""
        lines = tuple(
            (*level_in_words(status), component_of(status), str(status.message))
            for status in statuses
        )
        if lines == self._shown:
            return
        self._shown = lines
        self._lines.clear()
        with self._lines:
            for icon, level, component, message in lines:
                with ui.row().classes('w-full no-wrap items-start gap-2'):
                    ui.icon(icon, size='xs').tooltip(level)
                    ui.label(f'{component}, {level}: {message}').classes('text-sm break-words')
