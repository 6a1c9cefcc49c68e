# SPDX-License-Identifier: Apache-2.0
"""The view of a pair: its image, on which points are clicked, and its demonstration."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nicegui import events, ui

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.media.polygons import Point
from afformer_core.offline.evaluation.report.tiles import fit, image_source
from afformer_core.studio.labelling import marks
from afformer_core.studio.labelling.point_labels import LabelledPair, nearest_point
from afformer_core.studio.limits import (
    LimitedImage,
    Limits,
    read_limited_demonstration,
    read_limited_image,
)
from afformer_core.studio.model_worker import ModelWorker
from afformer_core.studio.timeline import TimelineView, timeline_of

STYLE = """
.grip { fill: transparent; pointer-events: all; cursor: move }
"""
SCRIPT = Path(__file__).with_name('gestures.js').read_text(encoding='utf-8')

_LEVELS = (1, 2, 4, 8)
_WHEEL = '(event) => gestures.turnWheel(event, emit)'
# Functions of the script that handle the events of the image, by a mouse, a pen or a finger; the
# last three send them to the server.
_HANDLERS = {
    'touchstart': 'fingerDown(event)',
    'pointermove': 'move(event)',
    'pointerdown': 'press(event, emit)',
    'pointerup': 'release(event, emit)',
    'pointercancel': 'release(event, emit)',
}
# Enough for details when it is zoomed.
_SIDE = 2560
# Radius of a mark as a share of the longer side of the image.
_RADIUS = 1 / 110

# Multiple of the radius of a mark within which a click is on it.
_NEAR = 1.5


# Called with each click and each drag: where it begins and ends, in pixels of the image, and the
# distance from a mark within which it is on it.
Act = Callable[[Point, Point, float], Awaitable[None]]


@dataclass(frozen=True)
class Marks:
    """Points over an image, in its pixels: marked, suggested, and selected ones."""

    points: Sequence[Point]
    suggested: Sequence[Point] = ()
    selected: Point | None = None


# On a narrow screen the demonstration goes below the image.
_GRID = 'w-full grid gap-4 items-start lg:grid-cols-[minmax(0,1fr)_16rem]'


class PairView:
    """The view. A gesture that the browser takes for scrolling is dropped.

    Args:
        worker: worker with the model, which determines the number of kept frames.
        limits: maximum sizes of media.
        act: called with each click and each drag.

    Attributes:
        size: (width, height) of the image; None while there is none.
    """

    def __init__(self, worker: ModelWorker, limits: Limits, act: Act) -> None:
        self._worker = worker
        self._limits = limits
        self._act = act
        self._request = 0
        self._drawn = Marks(())
        # Where a gesture began, and the share of the width within which it is on a mark.
        self._pressed: tuple[Point, float] | None = None
        self.size: tuple[int, int] | None = None
        self._shown_size = (1, 1)
        self._level = 1
        with ui.element().classes(_GRID):
            self._viewport = ui.element().classes('w-full min-w-0 overflow-hidden zoomed')
            # Browsers report a pinch on a touch pad as a wheel with Ctrl.
            self._viewport.on('wheel.ctrl.prevent', self._turn, js_handler=_WHEEL, throttle=0.2)
            with self._viewport:
                # The drawing contains only numbers.
                self._image = ui.interactive_image(cross=True, sanitize=False)
                self._image.classes('w-full marked').style('width: calc(100% * var(--zoom, 1))')
            self._demonstration = ui.column().classes('gap-1 max-w-sm')
        for kind, handler in _HANDLERS.items():
            self._image.on(kind, self._follow, js_handler=f'(event) => gestures.{handler}')

    async def show(
        self, pair: LabelledPair, drawn: Marks
    ) -> tuple[MediaFrames, LimitedImage] | None:
        """Show a pair.

        Args:
            pair: the pair.
            drawn: marks in its image.

        Returns:
            its demonstration and its image; None if another pair was shown or the page was closed
            in the meantime.

        Raises:
            ImageError, VideoError, DemonstrationError: its media cannot be read.
        """
        self._request += 1
        request = self._request
        self.size = self._pressed = None
        self._image.content = ''
        self._demonstration.clear()
        read = await asyncio.to_thread(
            read_limited_image, pair.image, self._limits, pair.image.name
        )
        if self._is_outdated(request):
            return None
        shown = fit(read.image, _SIDE) if max(read.size) > _SIDE else read.image
        self.size, self._shown_size = read.size, (shown.shape[1], shown.shape[0])
        self._image.set_source(image_source(shown))
        width, height = self._shown_size
        self._viewport.style(f'aspect-ratio: {width} / {height}')
        self._set_level(1)
        self.draw(drawn)
        maximum = await self._worker.run(lambda grounder: grounder.configuration.maximum_frames)
        name = pair.demonstration.name
        media = await asyncio.to_thread(
            read_limited_demonstration, pair.demonstration, maximum, self._limits, name
        )
        if self._is_outdated(request):
            return None
        with self._demonstration:
            TimelineView(timeline_of(media, maximum), media.frame_count, name)
        return media, read

    def draw(self, drawn: Marks) -> None:
        """Draw marks over the image, unless another image is being read."""
        self._drawn = drawn
        if self.size is not None:
            radius = self._radius
            selected = [] if drawn.selected is None else [drawn.selected]
            points = self._shown(drawn.points)
            self._image.content = (
                marks.circles(points, radius)
                + ''.join(marks.ring(point, radius) for point in self._shown(selected))
                + marks.diamonds(self._shown(drawn.suggested), radius)
                + marks.grips(points, _NEAR * radius)
            )

    def _is_outdated(self, request: int) -> bool:
        """Check whether another pair was requested, or the page was closed."""
        return request != self._request or self._image.is_deleted

    def _shown(self, points: Sequence[Point]) -> list[Point]:
        scale = self._scale
        return [(x / scale, y / scale) for x, y in points]

    @property
    def _scale(self) -> float:
        return 1.0 if self.size is None else self.size[0] / self._shown_size[0]

    @property
    def _radius(self) -> float:
        """Radius of a mark in pixels of the displayed image."""
        return max(self._shown_size) * _RADIUS / self._level

    async def _follow(self, event: events.GenericEventArguments) -> None:
        kind, x, y, reach = event.args
        at = float(x), float(y)
        if kind == 'pointerdown':
            self._pressed = at, float(reach)
            return
        pressed, self._pressed = self._pressed, None
        if pressed is None or kind != 'pointerup' or self.size is None:
            return
        width, height = size = self.size
        begin, end = (nearest_point((x * width, y * height), size) for x, y in (pressed[0], at))
        near = _NEAR * self._radius * self._scale
        await self._act(begin, end, near + pressed[1] * width)

    def zoom(self, change: int, left: float | None = None, top: float | None = None) -> None:
        """Change the magnification to the next or the previous level, if there is one.

        Args:
            change: 1 to zoom in, -1 to zoom out.
            left, top: pixel of the viewport that stays in place; None: its centre.
        """
        number = _LEVELS.index(self._level) + change
        if 0 <= number < len(_LEVELS):
            self._set_level(_LEVELS[number], left, top)
            self.draw(self._drawn)

    def _turn(self, event: events.GenericEventArguments) -> None:
        change, left, top = event.args
        self.zoom(1 if change > 0 else -1, float(left), float(top))

    def _set_level(self, level: int, left: float | None = None, top: float | None = None) -> None:
        self._level = level
        position = ', '.join('null' if at is None else f'{at:.1f}' for at in (left, top))
        ui.run_javascript(
            f'gestures.zoom(getHtmlElement({self._viewport.id}), {level}, {position})'
        )
