# SPDX-License-Identifier: Apache-2.0
"""Zoom of an image in a viewport, which scrolls when the image is larger."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import events, ui
from nicegui.element import Element

_LEVELS = (1, 2, 4, 8)
_WHEEL = '(event) => gestures.turnWheel(event, emit)'


class Zoom:
    """The viewport; elements built in it are zoomed.

    Args:
        changed: called when the level changes.

    Attributes:
        viewport: its element.
        level: magnification, 1, 2, 4 or 8.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.level = 1
        self.viewport: Element = ui.element().classes('w-full min-w-0 overflow-hidden zoomed')
        # Browsers report a pinch on a touch pad as a wheel with Ctrl.
        self.viewport.on('wheel.ctrl.prevent', self._turn, js_handler=_WHEEL, throttle=0.2)

    def enclose(self, image: Element, size: tuple[int, int]) -> None:
        """Give the viewport the shape of an image of (width, height), and show all of it."""
        self.viewport.style(f'aspect-ratio: {size[0]} / {size[1]}')
        image.style('width: calc(100% * var(--zoom, 1))')
        self._show(1)

    def step(self, change: int, left: float | None = None, top: float | None = None) -> None:
        """Change the level by one, unless it is the last one.

        Args:
            change: 1 to zoom in, -1 to zoom out.
            left, top: pixel of the viewport that stays in place; None: its centre.
        """
        number = _LEVELS.index(self.level) + change
        if 0 <= number < len(_LEVELS):
            self._show(_LEVELS[number], left, top)
            self._changed()

    def _turn(self, event: events.GenericEventArguments) -> None:
        change, left, top = event.args
        self.step(1 if change > 0 else -1, float(left), float(top))

    def _show(self, level: int, left: float | None = None, top: float | None = None) -> None:
        self.level = level
        position = ', '.join('null' if at is None else f'{at:.1f}' for at in (left, top))
        ui.run_javascript(
            f'gestures.zoom(getHtmlElement({self.viewport.id}), {level}, {position})'
        )
