# SPDX-License-Identifier: Apache-2.0
"""Controls to record and load demonstrations of a grounding node."""

from __future__ import annotations

import math
from typing import Any

from nicegui import events, ui

from afformer_core.studio.messages import told_errors
from afformer_ros.msg import DemonstrationStatus
from afformer_ros.studio.grounding_link import GroundingLink
from afformer_ros.studio.grounding_watch import NodeState
from afformer_ros.studio.words import recording_in_words

_RECORD, _LOAD = 'record_demonstration', 'load_demonstration'


class DemonstrationControls:
    """The controls; the keys R and F start and finish a recording unless a field has the focus.

    Args:
        link: link to the node.
    """

    def __init__(self, link: GroundingLink) -> None:
        self._link = link
        ui.label('Record').classes('text-lg font-bold')
        self._name = ui.input('Name (empty: the node chooses)').props('dense').classes('w-full')
        with ui.row().classes('gap-2'):
            self._record = ui.button('Record (R)', icon='fiber_manual_record')
            self._record.on_click(self._start_recording)
            self._finish = ui.button('Finish (F)', icon='stop', on_click=self._finish_recording)
            self._cancel = ui.button('Cancel', icon='close', on_click=lambda: self._drop(_RECORD))
        for button in (self._record, self._finish, self._cancel):
            button.props('outline dense no-caps')
        self._told = ui.label().classes('text-sm recording')
        with ui.expansion('Load a file of the robot', icon='folder_open').classes('w-full'):
            self._path = ui.input('Path there: a video, a bag or a folder of images')
            self._path.props('dense').classes('w-full')
            with ui.row().classes('gap-2 items-center'):
                self._load = ui.button('Load', on_click=self._load_file)
                self._stop = ui.button('Cancel loading', on_click=lambda: self._drop(_LOAD))
            for button in (self._load, self._stop):
                button.props('outline dense no-caps')
            self._progress = ui.label().classes('text-sm')
        self._keyboard = ui.keyboard(
            self._press, active=False, ignore=['input', 'textarea', 'select']
        )

    def turn_to(self, shown: bool) -> None:  # noqa: FBT001
        """Handle keys only while the tab is shown."""
        self._keyboard.active = shown

    def refresh(self) -> None:
        """Follow the state of the node."""
        watch = self._link.watch
        active = watch.state is NodeState.ACTIVE
        status = watch.status
        recording = status is not None and status.state == DemonstrationStatus.RECORDING
        self._record.set_enabled(active and not recording)
        self._finish.set_enabled(recording)
        # A recording that another client started through a service has no goal to cancel.
        self._cancel.set_enabled(recording and _RECORD in self._link.requests.goals)
        loading = _LOAD in self._link.requests.goals
        self._load.set_enabled(active and not loading)
        self._stop.set_enabled(loading)
        self._told.text = recording_in_words(status)

    async def _start_recording(self) -> None:
        with told_errors():
            await self._link.requests.pursue(_RECORD, name=self._name.value.strip())

    async def _finish_recording(self) -> None:
        with told_errors():
            if _RECORD in self._link.requests.goals:
                # The goal reports its result.
                await self._link.requests.ask('finish_demonstration')
            else:
                await self._link.requests.succeed('finish_demonstration')

    async def _load_file(self) -> None:
        path = self._path.value.strip()
        if not path:
            return
        shares = ['']

        def told(feedback: Any) -> None:
            known = not math.isnan(feedback.progress)
            share = f', {100 * feedback.progress:.0f} %' if known else ''
            shares[0] = f'{feedback.frames} frames are read{share}'

        follow = ui.timer(0.25, lambda: self._progress.set_text(shares[0]))
        with told_errors():
            await self._link.requests.pursue(_LOAD, told, path=path, name=self._name.value.strip())
        follow.cancel()
        self._progress.text = ''

    async def _drop(self, action: str) -> None:
        with told_errors():
            await self._link.requests.cancel(action)

    async def _press(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.action.repeat:
            return
        if event.key == 'r' and self._record.enabled:
            await self._start_recording()
        elif event.key == 'f' and self._finish.enabled:
            await self._finish_recording()
