# SPDX-License-Identifier: Apache-2.0
"""The view of a running grounding node in one page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from nicegui import ui
from nicegui.elements.dialog import Dialog

from afformer_core.runtime.shipped_model import SHIPPED
from afformer_core.studio.messages import told_errors
from afformer_core.studio.teaching.models import Models
from afformer_core.studio.timeline import attribute_text
from afformer_ros.studio.contact_marker import ContactMarker
from afformer_ros.studio.demonstration_controls import DemonstrationControls, encoded_image
from afformer_ros.studio.grounding_link import GroundingLink
from afformer_ros.studio.grounding_watch import NodeState
from afformer_ros.studio.words import (
    age_in_words,
    best_point_in_words,
    reliability_in_words,
    state_in_words,
)

# Seconds between two updates.
_PERIOD = 0.25
_SIDE = 960
_GRID = (
    'w-full grid gap-4 items-start md:grid-cols-[minmax(0,1fr)_20rem] '
    'lg:grid-cols-[minmax(0,1fr)_20rem_20rem]'
)

# Icons and words of the levels of diagnostics.
_LEVELS = {
    DiagnosticStatus.OK: ('check_circle', 'fine'),
    DiagnosticStatus.WARN: ('warning', 'warning'),
    DiagnosticStatus.ERROR: ('error', 'error'),
}
# Texts of the buttons, with the state in which each is shown and its transition.
_BUTTONS = (
    ('Configure', NodeState.UNCONFIGURED, Transition.TRANSITION_CONFIGURE),
    ('Activate', NodeState.INACTIVE, Transition.TRANSITION_ACTIVATE),
    ('Clean up', NodeState.INACTIVE, Transition.TRANSITION_CLEANUP),
    ('Deactivate', NodeState.ACTIVE, Transition.TRANSITION_DEACTIVATE),
)


class LifecycleButtons:
    """The buttons that the state of the node allows."""

    def __init__(self, link: GroundingLink) -> None:
        self._link = link
        self._changing = False
        self._buttons = {}
        for text, state, transition in _BUTTONS:
            button = ui.button(text, on_click=self._changer(transition))
            button.props('outline dense no-caps')
            button.set_visibility(False)
            self._buttons[button] = state

    def refresh(self) -> None:
        """Follow the state of the node."""
        for button, state in self._buttons.items():
            button.set_visibility(self._link.watch.state is state)
            button.set_enabled(not self._changing)

    def _changer(self, transition: int) -> Callable[[], Awaitable[None]]:
        async def change() -> None:
            self._changing = True
            self.refresh()
            try:
                with told_errors():
                    await asyncio.to_thread(self._link.client.change_state, transition)
            finally:
                self._changing = False

        return change


class ModelChoice:
    """The choice of the model that the node uses."""

    def __init__(self, link: GroundingLink, models: Models) -> None:
        self._link = link
        self._models = models
        self._used = ''
        with ui.row().classes('items-center no-wrap gap-2 w-full') as self._row:
            self._choice = ui.select([SHIPPED], value=SHIPPED, label='Model')
            self._choice.props('dense outlined').classes('grow')
            self._button = ui.button('Use this model', on_click=self._use)
            self._button.props('outline dense no-caps')
            self._button.bind_enabled_from(self._choice, 'value', bool)

    def refresh(self) -> None:
        """Follow the models of the studio, and show the one that the node uses."""
        names = list(self._models.names)
        # There is nothing to choose without a model beside the shipped one.
        self._row.set_visibility(len(names) > 1)
        if self._choice.options != names:
            chosen = self._choice.value if self._choice.value in names else SHIPPED
            self._choice.set_options(names, value=chosen)
        model = self._link.watch.model
        if model != self._used:
            self._used = model
            name = model if model == SHIPPED else self._models.name(Path(model))
            self._choice.value = name if name in names else None

    async def _use(self) -> None:
        self._button.props(add='loading')
        try:
            with told_errors():
                name = str(self._choice.value)
                folder = '' if name == SHIPPED else str(self._models.path(name))
                await asyncio.to_thread(self._link.client.use_model, folder)
                ui.notify(f'{self._link.name} uses {name}.')
        finally:
            self._button.props(remove='loading')


class DiagnosticsList:
    """The list."""

    def __init__(self) -> None:
        self._shown: tuple[tuple[str, str, str, str], ...] = ()
        ui.label('What the node says').classes('text-lg font-bold')
        self._lines = ui.column().classes('w-full gap-1 diagnostics')

    def show(self, statuses: Sequence[DiagnosticStatus]) -> None:
        """Show statuses; do nothing if they are unchanged."""
        lines = tuple(
            (
                *level_of(status),
                str(status.name).rpartition(': ')[2],
                str(status.message),
            )
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


def level_of(status: DiagnosticStatus) -> tuple[str, str]:
    """Return the icon and the word of a status; what is not used is neither fine nor wrong."""
    if status.level == DiagnosticStatus.OK and str(status.message).startswith('not used'):
        return 'remove', 'idle'
    return _LEVELS.get(status.level, ('help', 'not known'))


class DemonstrationList:
    """The list, with buttons to select and delete."""

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


class RobotView:
    """The view, which is updated while it is shown."""

    def __init__(self, link: GroundingLink, models: Models) -> None:
        self._link = link
        self._shown = False
        self._overlay: Any = None
        with ui.row().classes('items-center no-wrap gap-2'):
            self._icon = ui.icon('help', size='sm')
            self._state = ui.label().classes('font-bold node-state')
            self._lifecycle = LifecycleButtons(link)
        with ui.element().classes(_GRID) as self._results:
            with ui.column().classes('min-w-0 gap-2'):
                self._presence = ui.label().classes('font-bold presence')
                self._certainty = ui.label().classes('font-bold certainty')
                self._point = ui.label().classes('best-point')
                self._age = ui.label().classes('font-bold')
                # The content above and below fits 1280x720 without scrolling.
                self._image = ui.interactive_image().classes('w-full overlay')
                self._image.style('max-width: 64vh')
            with ui.column().classes('min-w-0 gap-2'):
                self._controls = DemonstrationControls(link)
            with ui.column().classes('min-w-0 gap-2 md:col-start-2 lg:col-start-3'):
                self._model = ModelChoice(link, models)
                self._demonstrations = DemonstrationList(link)
                self._marker = ContactMarker(link)
                self._diagnostics = DiagnosticsList()
        self._timer = ui.timer(_PERIOD, self._refresh, active=False)

    def turn_to(self, shown: bool) -> None:  # noqa: FBT001
        """Update only while the view is shown."""
        if shown == self._shown:
            return
        self._shown = shown
        if shown:
            self._link.watch.begin()
        else:
            self._link.watch.end()
        if not self._timer.is_deleted:
            self._timer.active = shown
            self._controls.turn_to(shown)

    async def _refresh(self) -> None:
        watch = self._link.watch
        self._state.text = state_in_words(watch.state, self._link.name)
        self._icon.name = 'check_circle' if watch.state is NodeState.ACTIVE else 'warning'
        self._results.set_visibility(watch.state not in (NodeState.UNKNOWN, NodeState.ABSENT))
        self._lifecycle.refresh()
        self._model.refresh()
        self._demonstrations.refresh()
        self._marker.refresh()
        self._diagnostics.show(watch.diagnostics)
        affordance = watch.affordance
        if affordance is None:
            self._presence.text = 'No result yet. Select or record a demonstration.'
            self._certainty.text = self._point.text = self._age.text = ''
        else:
            self._presence.text, self._certainty.text = reliability_in_words(affordance)
            self._point.text = best_point_in_words(affordance)
            self._age.text = age_in_words(time.monotonic() - watch.arrival)
        self._certainty.set_visibility(bool(self._certainty.text))
        self._age.set_visibility(bool(self._age.text))
        # The camera is shown before there is anything to ground.
        await self._show_overlay(watch.camera_image if watch.overlay is None else watch.overlay)
        await self._controls.refresh()

    async def _show_overlay(self, overlay: Any) -> None:
        if overlay is self._overlay:
            return
        self._overlay = overlay
        self._image.set_source(await asyncio.to_thread(encoded_image, overlay, _SIDE))
