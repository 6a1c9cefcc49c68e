# SPDX-License-Identifier: Apache-2.0
"""Clicks and drags on an image, by a mouse, a pen or a finger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import events
from nicegui.element import Element

from afformer_core.media.polygons import Point

# Distance of a finger from a grip within which it is on the grip, pixels of the screen.
_FINGER = 14
STYLE = """
.grip { fill: transparent; pointer-events: all; cursor: move }
.dragged-over { touch-action: none }
"""
_NEAREST = """
  const root = event.currentTarget;
  const nearest = (point, reach) => {
    let found = null;
    for (const grip of root.querySelectorAll('.grip')) {
      const box = grip.getBoundingClientRect(), radius = box.width / 2;
      const [x, y] = [box.left + radius - point.clientX, box.top + box.height / 2 - point.clientY];
      if (Math.hypot(x, y) <= (found?.distance ?? radius + reach))
        found = {grip: grip, distance: Math.hypot(x, y)};
    }
    return found?.grip;
  };
"""
# A finger that begins on a grip moves its mark; elsewhere, it scrolls the page or the zoomed
# image.
_FINGER_DOWN = f"""(event) => {{{_NEAREST}
  if (event.touches.length === 1 && nearest(event.touches[0], {_FINGER})) event.preventDefault();
}}"""
# The circles of a mark follow the pointer until the server draws them elsewhere.
_PRESS = f"""(event) => {{{_NEAREST}
  if (!event.isPrimary || event.button !== 0) return;
  const box = root.getBoundingClientRect(), reach = event.pointerType === 'touch' ? {_FINGER} : 0;
  root.setPointerCapture(event.pointerId);
  emit(event.type, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height,
       reach / box.width);
  const grip = nearest(event, reach);
  const at = grip && `[cx="${{grip.getAttribute('cx')}}"][cy="${{grip.getAttribute('cy')}}"]`;
  root.moved = grip ? [...root.querySelectorAll('circle' + at)] : [];
  root.begin = [event.clientX, event.clientY];
}}"""
_MOVE = """(event) => {
  const root = event.currentTarget, width = root.getBoundingClientRect().width;
  for (const circle of root.moved ?? []) {
    const scale = circle.ownerSVGElement.viewBox.baseVal.width / width;
    const [x, y] = [event.clientX - root.begin[0], event.clientY - root.begin[1]];
    circle.setAttribute('transform', `translate(${x * scale} ${y * scale})`);
  }
}"""
_RELEASE = """(event) => {
  const root = event.currentTarget, box = root.getBoundingClientRect();
  if (event.type === 'pointercancel')
    for (const circle of root.moved ?? []) circle.removeAttribute('transform');
  root.moved = [];
  if (!event.isPrimary || event.button > 0) return;
  emit(event.type, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height,
       0);
}"""

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
        image.on('touchstart', js_handler=_FINGER_DOWN)
        image.on('pointerdown', self._follow, js_handler=_PRESS)
        image.on('pointermove', js_handler=_MOVE)
        for end in ('pointerup', 'pointercancel'):
            image.on(end, self._follow, js_handler=_RELEASE)

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
