# SPDX-License-Identifier: Apache-2.0
"""Clicks and drags on an image, by a mouse, a pen or a finger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui import events
from nicegui.element import Element

from afformer_core.media.polygons import Point

STYLE = """
.grip { fill: transparent; pointer-events: all; cursor: move }
.dragged-over { touch-action: none }
"""
SCRIPT = Path(__file__).with_name('gestures.js').read_text(encoding='utf-8')

# Called with the shares of width and height at which a gesture begins and ends, and with the share
# of the width within which it is on a grip; 0 for a mouse or a pen.
Act = Callable[[Point, Point, float], Awaitable[None]]


class Pointer:
    """The gestures on an image; one that the browser takes for scrolling is dropped.

    Args:
        image: the image, with circles and `grips` in its drawing.
        act: called with each gesture.
    """

    def __init__(self, image: Element, act: Act) -> None:
        self._act = act
        self._pressed: tuple[Point, float] | None = None
        image.on('touchstart', js_handler='(event) => gestures.fingerDown(event)')
        image.on('pointerdown', self._follow, js_handler='(event) => gestures.press(event, emit)')
        image.on('pointermove', js_handler='(event) => gestures.move(event)')
        for end in ('pointerup', 'pointercancel'):
            image.on(end, self._follow, js_handler='(event) => gestures.release(event, emit)')

    def drop(self) -> None:
        """Drop an unfinished gesture."""
        self._pressed = None

    async def _follow(self, event: events.GenericEventArguments) -> None:
        kind, x, y, reach = event.args
        if kind == 'pointerdown':
            self._pressed = (float(x), float(y)), float(reach)
            return
        pressed, self._pressed = self._pressed, None
        if pressed is not None and kind == 'pointerup':
            await self._act(pressed[0], (float(x), float(y)), pressed[1])
