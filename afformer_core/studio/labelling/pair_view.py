# SPDX-License-Identifier: Apache-2.0
"""View of a pair: its image, on which points are clicked, and its demonstration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from nicegui import events, ui

from afformer_core.data.readers.point_table import PointRow
from afformer_core.demonstrations.media import read_demonstration
from afformer_core.evaluation.report.contact_sheets import image_source
from afformer_core.evaluation.report.tiles import fit
from afformer_core.media.images import read_image
from afformer_core.studio.grounding_worker import GroundingWorker
from afformer_core.studio.labelling.point_labels import LabelledPair
from afformer_core.studio.limits import Limits, ReadingLimit
from afformer_core.studio.timeline import timeline_of
from afformer_core.studio.timeline_view import build_timeline

_SIDE = 1280

# Called with a pair and the pixel of its image that was clicked.
Mark = Callable[[LabelledPair, float, float], None]


class PairView:
    """The view.

    Args:
        worker: worker with the model, which tells how many frames it keeps.
        mark: called with each click.
    """

    def __init__(self, worker: GroundingWorker, mark: Mark) -> None:
        self._worker = worker
        self._mark = mark
        self._pair: LabelledPair | None = None
        self._scale = 1.0
        with ui.element().classes('grid gap-4 items-start grid-cols-[minmax(0,1fr)_16rem]'):
            self._image = ui.interactive_image(on_mouse=self._click, cross=True)
            self._image.classes('w-full marked')
            self._demonstration = ui.column().classes('gap-1')

    async def show(self, pair: LabelledPair, rows: Sequence[PointRow]) -> None:
        """Show a pair and its points.

        Raises:
            ImageError, VideoError, DemonstrationError: its media cannot be read.
        """
        self._pair = None
        self._demonstration.clear()
        image = await asyncio.to_thread(read_image, pair.image)
        shown = fit(image, _SIDE) if max(image.shape) > _SIDE else image
        self._scale = image.shape[1] / shown.shape[1]
        self._image.set_source(image_source(shown))
        self._pair = pair
        self.draw(rows)
        maximum = await self._worker.run(lambda grounder: grounder.configuration.maximum_frames)
        limit = ReadingLimit(Limits(), pair.demonstration.name)
        media = await asyncio.to_thread(read_demonstration, pair.demonstration, maximum, limit)
        if self._pair is pair:
            with self._demonstration:
                frames = timeline_of(media, maximum)
                build_timeline(frames, media.frame_count, pair.demonstration.name)

    def draw(self, rows: Sequence[PointRow]) -> None:
        """Draw points, in pixels of the image."""
        self._image.content = ''.join(self._circle(row) for row in rows)

    def _circle(self, row: PointRow) -> str:
        at = f'cx="{row.x / self._scale:.2f}" cy="{row.y / self._scale:.2f}"'
        return ''.join(
            f'<circle {at} r="5" fill="none" stroke="{colour}" stroke-width="{width}" />'
            for colour, width in (('black', 4), ('white', 2))
        )

    def _click(self, event: events.MouseEventArguments) -> None:
        if self._pair is not None:
            x, y = max(0.0, event.image_x), max(0.0, event.image_y)
            self._mark(self._pair, x * self._scale, y * self._scale)
