# SPDX-License-Identifier: Apache-2.0
"""Tab to mark the points of own pairs by clicks and keys."""

from __future__ import annotations

from typing import Literal

from nicegui import events, ui

from afformer_core.data.readers.point_table import PointRow
from afformer_core.studio.grounding_worker import GroundingWorker
from afformer_core.studio.labelling.action_choice import ActionChoice
from afformer_core.studio.labelling.pair_view import PairView
from afformer_core.studio.labelling.point_labels import LabelledPair, PointLabels
from afformer_core.studio.messages import told_errors

_Ignored = Literal['input', 'select', 'button', 'textarea']
_KEYS = 'Click to mark, 1 to 9 for the action, U to undo, N for the next pair without points.'


class LabelTab:
    """The tab: the pairs on the left, the image in the middle, the demonstration on the right.

    Args:
        labels: tables of the folder.
        worker: worker with the model, which tells how many frames it keeps.
    """

    def __init__(self, labels: PointLabels, worker: GroundingWorker) -> None:
        self._labels = labels
        self._added: list[tuple[LabelledPair, PointRow]] = []
        self._lines: dict[LabelledPair, ui.item] = {}
        self._counts: dict[LabelledPair, ui.item_label] = {}
        # The one before the first, from which `turn_to` goes on.
        self._chosen = labels.pairs[-1]
        ui.label(_KEYS).classes('text-sm')
        with ui.element().classes('w-full grid gap-4 items-start grid-cols-[16rem_minmax(0,1fr)]'):
            with ui.column().classes('gap-2'):
                self._actions = ActionChoice(labels.action_names, labels.takes_new_actions)
                with ui.row().classes('gap-2'):
                    ui.button('Undo', on_click=self._undo).props('outline dense')
                    ui.button('Next', on_click=self._next).props('outline dense')
                with ui.list().props('dense bordered').classes('w-full max-h-96 overflow-auto'):
                    for pair in labels.pairs:
                        self._build_line(pair)
            self._view = PairView(worker, self._mark)
        ignored: list[Literal['input', 'select', 'button', 'textarea']] = [
            'input',
            'textarea',
            'select',
        ]
        self._keyboard = ui.keyboard(self._press, active=False, ignore=ignored)
        self._opened = False

    async def turn_to(self, shown: bool) -> None:
        """Take keys only while the tab is shown; at first, show the first pair without points."""
        self._keyboard.active = shown
        if shown and not self._opened:
            self._opened = True
            await self._next()

    def _build_line(self, pair: LabelledPair) -> None:
        with ui.item(on_click=lambda: self._choose(pair)) as line, ui.item_section():
            ui.item_label(pair.name).classes('break-all')
            self._counts[pair] = ui.item_label().classes('text-xs')
            self._lines[pair] = line
        self._tell_count(pair)

    def _tell_count(self, pair: LabelledPair) -> None:
        with told_errors():
            count = len(self._labels.rows(pair))
            self._counts[pair].text = f'{count} points' if count else 'no points yet'

    async def _choose(self, pair: LabelledPair) -> None:
        self._lines[self._chosen].classes(remove='bg-primary text-white')
        self._chosen = pair
        self._lines[pair].classes('bg-primary text-white')
        with told_errors():
            await self._view.show(pair, self._labels.rows(pair))

    async def _next(self) -> None:
        """Go to the next pair without points, or the next one where all have some."""
        pairs = self._labels.pairs
        begin = pairs.index(self._chosen) + 1
        after = (*pairs[begin:], *pairs[:begin])
        with told_errors():
            bare = [pair for pair in after if not self._labels.rows(pair)]
            await self._choose((bare or after)[0])

    def _mark(self, pair: LabelledPair, x: float, y: float) -> None:
        with told_errors():
            self._added.append((pair, self._labels.add(pair, self._actions.chosen, x, y)))
            self._redraw(pair)

    def _undo(self) -> None:
        if self._added:
            pair, row = self._added.pop()
            with told_errors():
                self._labels.remove(pair, row)
                self._redraw(pair)

    def _redraw(self, pair: LabelledPair) -> None:
        self._tell_count(pair)
        if pair == self._chosen:
            self._view.draw(self._labels.rows(pair))

    async def _press(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.action.repeat:
            return
        if event.key.number is not None:
            self._actions.choose(event.key.number - 1)
        elif event.key == 'u':
            self._undo()
        elif event.key == 'n':
            await self._next()
