# SPDX-License-Identifier: Apache-2.0
"""The recorded camera of a grounding node, and controls to record and load demonstrations."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from nicegui import events, ui

from afformer_core.errors import ImageError
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.offline.evaluation.report.tiles import fit, image_source
from afformer_core.studio.messages import told_errors
from afformer_ros.studio.grounding_link import GroundingLink
from afformer_ros.studio.grounding_watch import PATIENCE, GroundingWatch, NodeState, is_recording
from afformer_ros.studio.words import recording_in_words

_RECORD, _LOAD = 'record_demonstration', 'load_demonstration'
# Seconds for a person who is alone to walk to the object.
_COUNTDOWN = 3
# Largest side of the image of the camera in a page, pixels.
_SIDE = 480


class CameraView:
    """The last image of the topic from which the node records."""

    def __init__(self, watch: GroundingWatch) -> None:
        self._watch = watch
        self._image: Any = None
        self._text = ui.label().classes('text-sm camera-text')
        with ui.element().classes('relative w-full') as self._frame:
            self._camera = ui.interactive_image().classes('w-full camera')
            self._countdown = ui.label().classes('absolute-center text-white countdown')
            self._countdown.style('font-size: 6rem; text-shadow: 0 0 8px black')

    def count(self, left: int) -> None:
        """Show the seconds until a recording begins over the image; nothing at 0."""
        self._countdown.text = str(left) if left else ''

    async def refresh(self) -> None:
        """Show the last image."""
        image = self._watch.camera_image
        if image is not self._image:
            self._image = image
            self._camera.set_source(await asyncio.to_thread(encoded_image, image, _SIDE))
        shown = self._image is not None
        self._frame.set_visibility(shown)
        self._text.text = '' if shown else 'No image on the topic demonstration yet.'
        self._text.set_visibility(not shown)


def encoded_image(message: Any, side: int) -> str:
    """Encode an image message for a page, at most `side` pixels large; empty for none."""
    try:
        image = to_rgb(message) if message is not None else None
    except ImageError:
        # The node reports it.
        image = None
    if image is None:
        return ''
    return image_source(fit(image, side) if max(image.shape) > side else image)


class DemonstrationControls:
    """The controls; the keys R and F start and finish a recording unless a field has the focus."""

    def __init__(self, link: GroundingLink) -> None:
        self._link = link
        # Seconds until the recording begins; 0 without a countdown.
        self._left = 0
        ui.label('Record').classes('text-lg font-bold')
        self._camera = CameraView(link.watch)
        self._name = ui.input('Name (empty: the node chooses)').props('dense').classes('w-full')
        with ui.row().classes('gap-2'):
            self._record = ui.button('Record (R)', icon='fiber_manual_record')
            self._record.on_click(self._start_recording)
            self._finish = ui.button('Finish (F)', icon='stop', on_click=self._finish_recording)
            self._cancel = ui.button('Cancel', icon='close', on_click=self._cancel_recording)
        for button in (self._record, self._finish, self._cancel):
            button.props('outline dense no-caps')
        self._counts = ui.switch(f'Count down from {_COUNTDOWN}', value=True)
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

    async def refresh(self) -> None:
        """Follow the state of the node."""
        watch = self._link.watch
        active = watch.state is NodeState.ACTIVE
        recording, counting = is_recording(watch.status), self._left > 0
        self._record.set_enabled(active and not recording and not counting)
        self._finish.set_enabled(recording)
        # A recording that another client started through a service has no goal to cancel.
        own = recording and _RECORD in self._link.client.goals
        self._cancel.set_enabled(own or counting)
        loading = _LOAD in self._link.client.goals
        self._load.set_enabled(active and not loading)
        self._stop.set_enabled(loading)
        soon = f'Recording begins in {self._left} s.'
        self._told.text = soon if counting else recording_in_words(watch.status)
        await self._camera.refresh()

    async def _start_recording(self) -> None:
        with told_errors():
            if await self._count_down():
                await asyncio.to_thread(
                    self._link.client.pursue, _RECORD, None, name=self._name.value.strip()
                )

    async def _count_down(self) -> bool:
        """Wait if a countdown is wanted; return False if it was canceled or the page closed."""
        if not self._counts.value:
            return True
        for left in range(_COUNTDOWN, 0, -1):
            self._count(left)
            await asyncio.sleep(1.0)
            if self._left != left or self._told.is_deleted:
                return False
        self._count(0)
        return True

    def _count(self, left: int) -> None:
        self._left = left
        self._camera.count(left)

    async def _cancel_recording(self) -> None:
        if self._left:
            self._count(0)
        else:
            await self._drop(_RECORD)

    async def _finish_recording(self) -> None:
        with told_errors():
            if _RECORD in self._link.client.goals:
                # The goal reports its result.
                await asyncio.to_thread(self._link.client.call, 'finish_demonstration', PATIENCE)
            else:
                await self._link.succeed('finish_demonstration')

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
            name = self._name.value.strip()
            await asyncio.to_thread(
                self._link.client.pursue, _LOAD, None, told, path=path, name=name
            )
        follow.cancel()
        self._progress.text = ''

    async def _drop(self, action: str) -> None:
        with told_errors():
            await asyncio.to_thread(self._link.client.cancel, action)

    async def _press(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.action.repeat:
            return
        if event.key == 'r' and self._record.enabled:
            await self._start_recording()
        elif event.key == 'f' and self._finish.enabled:
            await self._finish_recording()
