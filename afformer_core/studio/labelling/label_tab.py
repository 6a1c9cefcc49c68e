# SPDX-License-Identifier: Apache-2.0
"""A tab to mark the points of own pairs with clicks and keys."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from nicegui import events, ui

from afformer_core.media.polygons import Point
from afformer_core.offline.data.readers.folder_pairs import PointRow
from afformer_core.runtime.model_folder import read_description
from afformer_core.studio.labelling.addition_dialog import AdditionDialog
from afformer_core.studio.labelling.pair_list import PairList
from afformer_core.studio.labelling.pair_view import Marks, PairView
from afformer_core.studio.labelling.point_labels import LabelledPair, PointLabels, nearest_point
from afformer_core.studio.labelling.suggestion import Suggester, SuggestionLine
from afformer_core.studio.limits import Limits
from afformer_core.studio.messages import told_errors
from afformer_core.studio.model_worker import ModelWorker

_IGNORED: list[Literal['input', 'select', 'button', 'textarea']] = ['input', 'textarea', 'select']
_KEYS = (
    'Click to mark, drag a point to move it, click it to select it. 1 to 9: action. S: accept the '
    'suggestion. Delete: delete the selected point. U: undo. N: next unfinished pair. + and -, or '
    'Ctrl and the wheel: zoom.'
)
_EMPTY = (
    '{folder} contains no pairs yet. Click Add pairs, and give a video of somebody operating '
    'something, and other images of it.'
)
# On a phone, the image comes first.
_GRID = 'w-full grid gap-4 items-start grid-cols-1 md:grid-cols-[18rem_minmax(0,1fr)]'
# Seconds after which points of other people appear.
_REFRESH = 2.0


@dataclass(frozen=True)
class _Change:
    """Points of a pair that were removed and added, which `undo` reverses."""

    pair: LabelledPair
    removed: tuple[PointRow, ...]
    added: tuple[PointRow, ...]


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
        self._worker = worker
        self._limits = limits
        self._changes: list[_Change] = []
        self._selected: PointRow | None = None
        self._drawn: Marks | None = None
        # Changes are written one after another, in the order of the clicks.
        self._writing = asyncio.Lock()
        self._suggester = Suggester(
            worker, None if labels.takes_new_actions else labels.action_names
        )
        ui.context.client.on_delete(self._suggester.close)
        ui.label(_KEYS).classes('text-sm max-md:hidden')
        with ui.element().classes(_GRID):
            with ui.column().classes('min-w-0 gap-2 max-md:order-last'):
                self._build_side(enough)
            with ui.column().classes('min-w-0 gap-2'):
                known = read_description(worker.model).configuration.action_names
                self._actions = ActionChoice(labels, known)
                self._build_tools()
                self._hint = ui.label(_EMPTY.format(folder=labels.folder)).classes('text-lg')
                self._hint.set_visibility(not labels.pairs)
                self._view = PairView(worker, limits, self._act)
        self._keyboard = ui.keyboard(self._press, active=False, ignore=_IGNORED)
        self._timer = ui.timer(_REFRESH, self._refresh, active=False)
        self._opened = False

    def _build_side(self, enough: int) -> None:
        self._pairs = PairList(self._labels, enough, self._choose)
        addition = AdditionDialog(self._labels, self._limits, self._show_added)
        ui.button('Add pairs', icon='add', on_click=addition.open).props('outline dense')

    def _build_tools(self) -> None:
        with ui.row().classes('items-center gap-1'):
            for icon, change, told in (('zoom_in', 1, 'Zoom in'), ('zoom_out', -1, 'Zoom out')):
                zoom = ui.button(icon=icon, on_click=partial(self._zoom, change))
                zoom.props(f'outline dense aria-label="{told}"')
            self._deleting = ui.button('Delete the point', on_click=self._delete_selected)
            self._deleting.props('outline dense no-caps').set_visibility(False)
            ui.button('Undo', on_click=self._undo).props('outline dense')
            ui.button('Next', on_click=self._next).props('outline dense')
            self._suggestion = SuggestionLine(self._accept)

    async def turn_to(self, shown: bool) -> None:  # noqa: FBT001
        """Handle keys only while the tab is shown; initially, show the first unfinished pair."""
        self._keyboard.active = shown
        self._timer.active = shown and self._opened
        if shown and not self._opened:
            self._opened = True
            if self._labels.pairs:
                await self._next()

    async def _choose(self, pair: LabelledPair) -> None:
        with told_errors():
            self._timer.active = True
            self._selected = None
            self._suggestion.show(None)
            self._pairs.choose(pair)
            media = await self._view.show(pair, self._marks())
            if media is None:
                return
            suggestion = await self._suggester.suggest(
                pair, *media, lambda: pair is self._pairs.chosen
            )
            if suggestion is not None:
                self._suggestion.show(suggestion)
                self._redraw()

    async def _next(self) -> None:
        with told_errors():
            await self._choose(self._pairs.next())

    async def _show_added(self, target: Path) -> None:
        """Show the first pair of an object that lacks points, after media were added."""
        self._hint.set_visibility(False)
        of_object = [pair for pair in self._labels.pairs if pair.table.parent == target]
        unmarked = (pair for pair in of_object if not self._labels.rows(pair))
        await self._choose(next(unmarked, of_object[0]))

    def _chosen(self) -> LabelledPair:
        if self._pairs.chosen is None:
            raise ValueError('there is no pair yet. Add a video and an image')
        return self._pairs.chosen

    async def _act(self, begin: Point, end: Point, near: float) -> None:
        """Mark, select or move a point."""
        with told_errors():
            pair = self._chosen()
            row = _row_at(self._labels.rows(pair), begin, near)
            self._selected = None
            if row is None:
                await self._add(pair, self._actions.chosen, end)
            elif math.dist(begin, end) > near and self._view.size is not None:
                at = row.x + end[0] - begin[0], row.y + end[1] - begin[1]
                x, y = nearest_point(at, self._view.size)
                await self._change(pair, (row,), (replace(row, x=x, y=y),))
            else:
                self._selected = row
                self._redraw()

    async def _delete_selected(self) -> None:
        row, self._selected = self._selected, None
        if row is not None:
            with told_errors():
                await self._change(self._chosen(), (row,), ())

    def _zoom(self, change: int) -> None:
        self._view.zoom(change)

    async def _accept(self) -> None:
        """Mark the best remaining suggested point."""
        if not self._suggestion.points:
            return
        with told_errors():
            if self._suggestion.action:
                self._actions.choose_name(self._suggestion.action)
            # The suggestion stays if no action is chosen.
            action = self._actions.chosen
            await self._add(self._chosen(), action, self._suggestion.take())

    async def _add(self, pair: LabelledPair, action: str, point: Point) -> None:
        await self._change(pair, (), (pair.row(action, point),))

    async def _change(
        self, pair: LabelledPair, removed: tuple[PointRow, ...], added: tuple[PointRow, ...]
    ) -> None:
        try:
            async with self._writing:
                await asyncio.to_thread(self._labels.replace, pair, removed, added)
            self._changes.append(_Change(pair, removed, added))
        finally:
            self._redraw()

    async def _undo(self) -> None:
        with told_errors():
            if self._changes:
                last = self._changes.pop()
                self._selected = None
                async with self._writing:
                    await asyncio.to_thread(
                        self._labels.replace, last.pair, last.added, last.removed
                    )
            self._redraw()

    def _marks(self) -> Marks:
        pair, selected = self._pairs.chosen, self._selected
        points = [] if pair is None else [(row.x, row.y) for row in self._labels.rows(pair)]
        ringed = None if selected is None else (selected.x, selected.y)
        # Another person may have removed it.
        ringed = ringed if ringed in points else None
        return Marks(points, self._suggestion.points, ringed)

    def _redraw(self) -> None:
        self._pairs.refresh()
        self._drawn = self._marks()
        self._deleting.set_visibility(self._drawn.selected is not None)
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
        if event.key.number is not None:
            self._actions.choose(event.key.number - 1)
        elif event.key == 'u':
            await self._undo()
        elif event.key == 'n':
            await self._next()
        elif event.key == 's':
            await self._accept()
        elif event.key in ('Delete', 'Backspace'):
            await self._delete_selected()
        elif event.key in ('+', '=', '-'):
            self._zoom(-1 if event.key == '-' else 1)


def _row_at(rows: Sequence[PointRow], point: Point, near: float) -> PointRow | None:
    """Return the row of the nearest point within a distance; None if there is none."""
    close = [row for row in rows if math.dist((row.x, row.y), point) <= near]
    return min(close, key=lambda row: math.dist((row.x, row.y), point), default=None)


class ActionChoice:
    """The choice.

    The keyed actions of the folder have the keys 1 to 9.

    Args:
        labels: tables of the folder.
        known: names of the actions of the model.
    """

    def __init__(self, labels: PointLabels, known: Sequence[str]) -> None:
        used = labels.action_names
        self._keyed = labels.keyed_actions(known)
        self._names = [*self._keyed, *(name for name in used if name not in self._keyed)]
        with ui.row().classes('w-full items-center gap-x-2 gap-y-0'):
            ui.label('Action').classes('font-bold')
            first = used[0] if used else None
            self._radio = ui.radio(self._options(), value=first).props('inline dense')
            if labels.takes_new_actions:
                field = ui.input('Another action').props('dense').classes('w-32')
                field.on('keydown.enter', lambda: self._take(field))

    @property
    def chosen(self) -> str:
        """Name of the chosen action.

        Raises:
            ValueError: no action is chosen yet.
        """
        if not self._radio.value:
            raise ValueError(
                'no action is chosen. Choose one above the image, or name another and press Enter'
            )
        return str(self._radio.value)

    def choose(self, index: int) -> None:
        """Choose by key, from 0; ignore a key without an action."""
        if 0 <= index < len(self._keyed):
            self._radio.value = self._keyed[index]

    def choose_name(self, name: str) -> None:
        """Choose by name; a new name is added."""
        if name not in self._names:
            self._names.append(name)
        self._radio.set_options(self._options(), value=name)

    def _take(self, field: ui.input) -> None:
        if name := str(field.value).strip():
            self.choose_name(name)
        field.value = ''

    def _options(self) -> dict[str, str]:
        keys = {name: f'{key} {name}' for key, name in enumerate(self._keyed[:9], 1)}
        return {name: keys.get(name, name) for name in self._names}
