# SPDX-License-Identifier: Apache-2.0
"""The view of a pair: its image, on which points are clicked, and its demonstration."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui import ui

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.media.polygons import Point
from afformer_core.offline.evaluation.report.tiles import fit, image_source
from afformer_core.studio.labelling import marks
from afformer_core.studio.labelling.point_labels import LabelledPair, nearest_point
from afformer_core.studio.labelling.pointer import Pointer
from afformer_core.studio.labelling.zoom import Zoom
from afformer_core.studio.limits import (
    LimitedImage,
    Limits,
    read_limited_demonstration,
    read_limited_image,
)
from afformer_core.studio.model_worker import ModelWorker
from afformer_core.studio.timeline import timeline_of
from afformer_core.studio.timeline_view import TimelineView

# Enough for details when it is zoomed.
_SIDE = 2560
# Radius of a mark as a share of the longer side of the image.
_RADIUS = 1 / 110

# Multiple of the radius of a mark within which a click is on it.
_NEAR = 1.5


@dataclass(frozen=True)
class Gesture:
    """A click on an image, or a drag, in its pixels.

    Attributes:
        begin, end: where it begins and ends; close to each other for a click.
        near: distance from a mark, in pixels, within which a click is on it.
        size: (width, height) of the image.
    """

    begin: Point
    end: Point
    near: float
    size: tuple[int, int]

    def moved(self, point: Point) -> Point:
        """Move a point as the pointer moved, within the image."""
        x, y = (
            at + last - first for at, first, last in zip(point, self.begin, self.end, strict=True)
        )
        return nearest_point((x, y), self.size)


# Called with each gesture.
Act = Callable[[Gesture], Awaitable[None]]


@dataclass(frozen=True)
class PairMedia:
    """The image of a pair, and its demonstration."""

    image: LimitedImage
    demonstration: MediaFrames


@dataclass(frozen=True)
class Marks:
    """Points over an image, in its pixels: marked, suggested, and selected ones, and corners.

    While regions are drawn, points cannot be moved, and a finger draws instead of scrolling.
    """

    points: Sequence[Point]
    suggested: Sequence[Point] = ()
    corners: Sequence[Point] = ()
    selected: Point | None = None
    draws_regions: bool = False


# On a narrow screen the demonstration goes below the image.
_GRID = 'w-full grid gap-4 items-start lg:grid-cols-[minmax(0,1fr)_16rem]'


class PairView:
    """The view.

    Args:
        worker: worker with the model, which determines the number of kept frames.
        limits: maximum sizes of media.
        act: called with each click and each drag.

    Attributes:
        zoom: zoom of the image.
    """

    def __init__(self, worker: ModelWorker, limits: Limits, act: Act) -> None:
        self._worker = worker
        self._limits = limits
        self._act = act
        self._request = 0
        self._drawn = Marks(())
        # (width, height) of the full image and of the displayed one; None if there is none.
        self._size: tuple[int, int] | None = None
        self._shown_size = (1, 1)
        with ui.element().classes(_GRID):
            self.zoom = Zoom(lambda: self.draw(self._drawn))
            with self.zoom.viewport:
                # The drawing contains only numbers.
                self._image = ui.interactive_image(cross=True, sanitize=False)
                self._image.classes('w-full marked')
                self._pointer = Pointer(self._image, self._follow)
            self._demonstration = ui.column().classes('gap-1 max-w-sm')

    async def show(self, pair: LabelledPair, drawn: Marks) -> PairMedia | None:
        """Show a pair.

        Args:
            pair: the pair.
            drawn: marks in its image.

        Returns:
            its media; None if another pair was shown or the page was closed in the meantime.

        Raises:
            ImageError, VideoError, DemonstrationError: its media cannot be read.
        """
        self._request += 1
        request = self._request
        self._size = None
        self._pointer.drop()
        self._image.content = ''
        self._demonstration.clear()
        read = await asyncio.to_thread(
            read_limited_image, pair.image, self._limits, pair.image.name
        )
        if self._is_outdated(request):
            return None
        shown = fit(read.image, _SIDE) if max(read.size) > _SIDE else read.image
        self._size, self._shown_size = read.size, (shown.shape[1], shown.shape[0])
        self._image.set_source(image_source(shown))
        self.zoom.enclose(self._image, self._shown_size)
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
        return PairMedia(read, media)

    def draw(self, drawn: Marks) -> None:
        """Draw marks over the image, unless another image is being read."""
        self._drawn = drawn
        if self._size is not None:
            radius = self._radius
            selected = [] if drawn.selected is None else [drawn.selected]
            gripped = [] if drawn.draws_regions else drawn.points
            self._image.classes(**{'add' if drawn.draws_regions else 'remove': 'dragged-over'})
            self._image.content = (
                marks.circles(self._shown(drawn.points), radius)
                + ''.join(marks.ring(point, radius) for point in self._shown(selected))
                + marks.diamonds(self._shown(drawn.suggested), radius)
                + marks.corners(self._shown(drawn.corners), radius)
                + marks.grips(self._shown(gripped), _NEAR * radius)
            )

    def _is_outdated(self, request: int) -> bool:
        """Check whether another pair was requested, or the page was closed."""
        return request != self._request or self._image.is_deleted

    def _shown(self, points: Sequence[Point]) -> list[Point]:
        scale = self._scale
        return [(x / scale, y / scale) for x, y in points]

    @property
    def _scale(self) -> float:
        return 1.0 if self._size is None else self._size[0] / self._shown_size[0]

    @property
    def _radius(self) -> float:
        """Radius of a mark in pixels of the displayed image."""
        return max(self._shown_size) * _RADIUS / self.zoom.level

    async def _follow(self, begin: Point, end: Point, reach: float) -> None:
        if self._size is None:
            return
        width, height = self._size
        first, last = (nearest_point((x * width, y * height), self._size) for x, y in (begin, end))
        near = _NEAR * self._radius * self._scale
        await self._act(Gesture(first, last, near + reach * width, self._size))
