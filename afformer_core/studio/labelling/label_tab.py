# SPDX-License-Identifier: Apache-2.0
"""A tab to mark the points of own pairs with clicks and keys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from nicegui import events, ui

from afformer_core.data.readers.point_table import PointRow
from afformer_core.media.polygons import Point
from afformer_core.studio.labelling.action_choice import ActionChoice
from afformer_core.studio.labelling.folder_panel import FolderPanel
from afformer_core.studio.labelling.media_check import unreadable_media
from afformer_core.studio.labelling.pair_list import PairList
from afformer_core.studio.labelling.pair_view import Marks, PairView
from afformer_core.studio.labelling.point_labels import LabelledPair, PointLabels
from afformer_core.studio.labelling.point_tool import MarkingShape, PointTool
from afformer_core.studio.labelling.suggestion import Suggester
from afformer_core.studio.labelling.suggestion_line import SuggestionLine
from afformer_core.studio.limits import Limits
from afformer_core.studio.messages import told_errors
from afformer_core.studio.model_worker import ModelWorker

_IGNORED: list[Literal['input', 'select', 'button', 'textarea']] = ['input', 'textarea', 'select']
_KEYS = (
    'Click to mark. 1 to 9: action. S: accept the suggestion. U: undo. N: next unfinished pair. '
    'P, B, O: points, box, outline (Enter closes it).'
)
# Seconds after which points of other people appear.
_REFRESH = 2.0


class LabelTab:
    """The tab: the pairs on the left, the image in the middle, the demonstration on the right.

    Args:
        labels: tables of the folder.
        worker: worker with the model, which suggests points.
        limits: maximum sizes of media.
        enough: number of points after which a pair is finished.
    """

    def __init__(
        self, labels: PointLabels, worker: ModelWorker, limits: Limits, enough: int
    ) -> None:
        self._labels = labels
        self._limits = limits
        self._added: list[tuple[LabelledPair, tuple[PointRow, ...]]] = []
        self._drawn: Marks | None = None
        # Changes are written one after another, in the order of the clicks.
        self._writing = asyncio.Lock()
        self._tool = PointTool()
        self._suggester = Suggester(
            worker, None if labels.takes_new_actions else labels.action_names
        )
        ui.context.client.on_delete(self._suggester.close)
        ui.label(_KEYS).classes('text-sm')
        with ui.element().classes('w-full grid gap-4 items-start grid-cols-[18rem_minmax(0,1fr)]'):
            with ui.column().classes('gap-2'):
                self._actions = ActionChoice(
                    labels.action_names, takes_new=labels.takes_new_actions
                )
                with ui.row().classes('gap-2'):
                    ui.button('Undo', on_click=self._undo).props('outline dense')
                    ui.button('Next', on_click=self._next).props('outline dense')
                self._pairs = PairList(labels, enough, self._choose)
                FolderPanel(labels.folder)
            with ui.column().classes('min-w-0 gap-2'):
                with ui.row().classes('items-center gap-4'):
                    self._shapes = ui.toggle(
                        [shape.value for shape in MarkingShape], value='Points'
                    )
                    self._shapes.props('dense no-caps').on_value_change(self._change_shape)
                    self._closing = ui.button('Close the outline', on_click=self._close_outline)
                    self._closing.props('outline dense no-caps').set_visibility(False)
                    self._suggestion = SuggestionLine(self._accept)
                self._view = PairView(worker, limits, self._click)
        self._keyboard = ui.keyboard(self._press, active=False, ignore=_IGNORED)
        self._timer = ui.timer(_REFRESH, self._refresh, active=False)
        self._opened = False

    async def turn_to(self, shown: bool) -> None:  # noqa: FBT001
        """Handle keys only while the tab is shown; initially, show the first unfinished pair."""
        self._keyboard.active = shown
        self._timer.active = shown and self._opened
        if shown and not self._opened:
            self._opened = True
            checking = asyncio.to_thread(unreadable_media, self._labels.pairs, self._limits)
            checked = asyncio.create_task(checking)
            await self._next()
            with told_errors():
                self._pairs.tell_unreadable(await checked)

    async def _choose(self, pair: LabelledPair) -> None:
        with told_errors():
            self._timer.active = True
            self._tool.drop()
            self._suggestion.show(None)
            self._pairs.choose(pair)
            media = await self._view.show(pair, self._marks())
            if media is None:
                return
            suggestion = await self._suggester.suggest(
                pair, media.demonstration, media.image, lambda: pair is self._pairs.chosen
            )
            if suggestion is not None:
                self._suggestion.show(suggestion)
                self._redraw()

    async def _next(self) -> None:
        with told_errors():
            await self._choose(self._pairs.next())

    async def _click(self, point: Point) -> None:
        with told_errors():
            await self._add(self._pairs.chosen, self._actions.chosen, self._tool.click(point))

    async def _close_outline(self) -> None:
        with told_errors():
            await self._add(self._pairs.chosen, self._actions.chosen, self._tool.close())

    async def _accept(self) -> None:
        """Mark the best remaining suggested point."""
        if not self._suggestion.points:
            return
        with told_errors():
            if self._suggestion.action:
                self._actions.choose_name(self._suggestion.action)
            action = self._actions.chosen
            await self._add(self._pairs.chosen, action, [self._suggestion.take()])

    async def _add(self, pair: LabelledPair, action: str, points: Sequence[Point]) -> None:
        try:
            if points:
                async with self._writing:
                    added = await asyncio.to_thread(self._labels.add, pair, action, points)
                self._added.append((pair, added))
        finally:
            self._redraw()

    async def _undo(self) -> None:
        with told_errors():
            if not self._tool.take_back() and self._added:
                pair, rows = self._added.pop()
                async with self._writing:
                    await asyncio.to_thread(self._labels.remove, pair, rows)
            self._redraw()

    def _change_shape(self, event: events.ValueChangeEventArguments[str]) -> None:
        self._tool.shape = MarkingShape(event.value)
        self._redraw()

    def _marks(self) -> Marks:
        rows = self._labels.rows(self._pairs.chosen)
        points = [(row.x, row.y) for row in rows]
        return Marks(points, self._suggestion.points, tuple(self._tool.corners))

    def _redraw(self) -> None:
        self._pairs.refresh()
        self._closing.set_visibility(len(self._tool.corners) >= 3)
        self._drawn = self._marks()
        self._view.draw(self._drawn)

    def _refresh(self) -> None:
        """Show changes that other people have made in the meantime."""
        with told_errors():
            if self._marks() != self._drawn:
                self._redraw()
            return
        # One message is sufficient.
        self._timer.active = False

    async def _press(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.action.repeat:
            return
        shapes = {shape.value[0].lower(): shape for shape in MarkingShape}
        if event.key.number is not None:
            self._actions.choose(event.key.number - 1)
        elif event.key == 'u':
            await self._undo()
        elif event.key == 'n':
            await self._next()
        elif event.key == 's':
            await self._accept()
        elif event.key.enter:
            await self._close_outline()
        elif event.key.name in shapes:
            self._shapes.value = shapes[event.key.name].value
