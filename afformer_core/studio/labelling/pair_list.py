# SPDX-License-Identifier: Apache-2.0
"""List of the pairs of a folder, and what each of them lacks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from nicegui import ui

from afformer_core.studio.labelling.point_labels import LabelledPair, PointLabels
from afformer_core.studio.messages import told_errors

# Called with the pair that was clicked.
Choose = Callable[[LabelledPair], Awaitable[None]]


class PairList:
    """The list.

    Args:
        labels: tables of the folder.
        enough: number of points with which a pair is finished.
        choose: called with the pair that was clicked.

    Attributes:
        chosen: the pair that is marked in the list; the last one before any was chosen.
    """

    def __init__(self, labels: PointLabels, enough: int, choose: Choose) -> None:
        self._labels = labels
        self._enough = enough
        self._choose = choose
        self._unreadable: Collection[Path] = ()
        self._lines: dict[LabelledPair, ui.item] = {}
        self._texts: dict[LabelledPair, ui.item_label] = {}
        # From which `next` goes on to the first.
        self.chosen = labels.pairs[-1]
        self._filter = ui.switch('Unfinished only', on_change=self._change_filter)
        with ui.list().props('dense bordered').classes('w-full max-h-96 overflow-auto pairs'):
            for pair in labels.pairs:
                self._build_line(pair)
        self.refresh()

    def tell_unreadable(self, paths: Collection[Path]) -> None:
        """Take the media that cannot be read."""
        self._unreadable = paths
        self.refresh()

    def choose(self, pair: LabelledPair) -> None:
        """Mark a pair in the list."""
        self._lines[self.chosen].classes(remove='bg-primary text-white')
        self.chosen = pair
        self._lines[pair].classes('bg-primary text-white')
        self.refresh()

    def refresh(self) -> None:
        """Tell anew what each pair lacks.

        Raises:
            DatasetError: a table is malformed.
            OSError: the folder is gone.
        """
        for pair in self._labels.pairs:
            self._texts[pair].text = ', '.join(self._told(pair))
            shown = not self._filter.value or pair == self.chosen or self._unfinished(pair)
            self._lines[pair].set_visibility(shown)

    def next(self) -> LabelledPair:
        """Return the next pair that lacks points and can be shown, or else the next one.

        Raises:
            DatasetError: a table is malformed.
            OSError: the folder is gone.
        """
        pairs = self._labels.pairs
        begin = pairs.index(self.chosen) + 1
        after = (*pairs[begin:], *pairs[:begin])
        lacking = (pair for pair in after if self._lacks_points(pair) and self._readable(pair))
        return next(lacking, after[0])

    def _change_filter(self) -> None:
        with told_errors():
            self.refresh()

    def _build_line(self, pair: LabelledPair) -> None:
        with ui.item(on_click=lambda: self._choose(pair)) as line, ui.item_section():
            ui.item_label(pair.name).classes('break-all')
            self._texts[pair] = ui.item_label().classes('text-xs')
            self._lines[pair] = line

    def _told(self, pair: LabelledPair) -> list[str]:
        count = len(self._labels.rows(pair))
        told = [f'{count} point{"" if count == 1 else "s"}' if count else 'no points yet']
        if 0 < count < self._enough:
            told[0] += f' of {self._enough}'
        for name, path in (('demonstration', pair.demonstration), ('image', pair.image)):
            if path in self._unreadable:
                told.append(f'the {name} cannot be read')
        return told

    def _unfinished(self, pair: LabelledPair) -> bool:
        return self._lacks_points(pair) or not self._readable(pair)

    def _lacks_points(self, pair: LabelledPair) -> bool:
        return len(self._labels.rows(pair)) < self._enough

    def _readable(self, pair: LabelledPair) -> bool:
        return not {pair.demonstration, pair.image} & set(self._unreadable)
