# SPDX-License-Identifier: Apache-2.0
"""The first frame of the selected demonstration, in which a click marks the contact."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from nicegui import background_tasks, events, ui
from numpy.typing import NDArray

from afformer_core.messages.image_decoding import to_rgb
from afformer_core.offline.reports.pages import jpeg_source
from afformer_core.studio.labelling.marks import circles, diamonds
from afformer_core.studio.messages import told_errors
from afformer_ros.client import NoAnswerError
from afformer_ros.msg import DemonstrationStatus
from afformer_ros.studio.grounding_link import GroundingLink
from afformer_ros.studio.grounding_watch import PATIENCE, is_recording
from afformer_ros.studio.words import mark_in_words

# Share of the width of the frame.
_RADIUS = 1 / 60


class ContactMarker:
    """A view of the frame, which is read again whenever the demonstrations change."""

    def __init__(self, link: GroundingLink) -> None:
        self._link = link
        self._status: DemonstrationStatus | None = None
        self._reading = False
        self._answer: Any = None
        self._size = (0, 0)
        ui.label('What is operated').classes('text-lg font-bold')
        self._told = ui.label().classes('text-sm mark')
        # The drawing contains only numbers.
        self._image = ui.interactive_image(on_mouse=self._mark, cross=True, sanitize=False)
        self._image.classes('w-full first-frame')
        self._unmark = ui.button('Unmark', on_click=self._take_away).props('flat dense no-caps')
        self._show_nothing('Select a demonstration to mark what it operates.')

    def refresh(self) -> None:
        """Follow the state of the demonstrations and the last result."""
        if self._answer is not None:
            last = self._link.watch.affordance
            self._told.text = mark_in_words(self._answer, None if last is self._earlier else last)
        status = self._link.watch.status
        if status is self._status or is_recording(status) or self._reading:
            return
        self._status = status
        selected = '' if status is None else status.selected
        if not selected or '+' in selected:
            self._show_nothing('Select one demonstration alone to mark what it operates.')
            return
        self._reading = True
        background_tasks.create(self._read(selected), name='first frame')

    async def _read(self, name: str) -> None:
        try:
            answer = await asyncio.to_thread(
                self._link.client.call, 'get_demonstration_frame', PATIENCE, name=name
            )
            image = await asyncio.to_thread(to_rgb, answer.frame) if answer.success else None
        except NoAnswerError as error:
            # The services of a newly configured node are not discovered at once.
            self._status = None
            self._show_nothing(str(error))
        else:
            self._show(answer, image)
        finally:
            self._reading = False

    def _show(self, answer: Any, image: NDArray[np.uint8] | None) -> None:
        if image is None:
            self._show_nothing(answer.message)
            return
        width, _ = self._size = image.shape[1], image.shape[0]
        self._image.set_source(jpeg_source(bytes(answer.frame.data)))
        self._image.set_visibility(True)
        # Pixel coordinates refer to corners in the browser, and to centres in the node.
        mark = [(answer.x + 0.5, answer.y + 0.5)] if answer.marked else []
        candidates = zip(answer.candidate_x, answer.candidate_y, strict=True)
        numbered = diamonds([(x + 0.5, y + 0.5) for x, y in candidates], _RADIUS * width)
        self._image.content = circles(mark, _RADIUS * width) + numbered
        self._unmark.set_visibility(answer.marked)
        # An earlier result may be of another demonstration that had this name.
        self._answer, self._earlier = answer, self._link.watch.affordance

    def _show_nothing(self, reason: str) -> None:
        self._answer, self._told.text = None, reason
        self._image.set_visibility(False)
        self._unmark.set_visibility(False)

    async def _mark(self, event: events.MouseEventArguments) -> None:
        corner = event.image_x, event.image_y
        x, y = (
            min(max(at - 0.5, 0.0), side - 1.0)
            for at, side in zip(corner, self._size, strict=True)
        )
        with told_errors():
            await self._link.succeed('mark_contact', name=self._answer.name, x=x, y=y)

    async def _take_away(self) -> None:
        with told_errors():
            await self._link.succeed('mark_contact', name=self._answer.name, remove=True)
