# SPDX-License-Identifier: Apache-2.0
"""A list of the pairs of a folder, with their numbers of points."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from nicegui import ui

from afformer_core.studio.labelling.point_labels import LabelledPair, PointLabels
from afformer_core.studio.messages import told_errors

# Number of lines on a page of the list; a browser takes seconds to build thousands.
_LINES = 50
_MARK = 'bg-primary text-white'

# Called with the clicked pair.
Choose = Callable[[LabelledPair], Awaitable[None]]


class PairList:
    """The list, in pages.

    Args:
        labels: tables of the folder.
        enough: number of points after which a pair is finished.
        choose: called with the clicked pair.

    Attributes:
        chosen: the pair that is highlighted in the list; the last pair before any is chosen, and
            None while there is no pair.
    """

    def __init__(self, labels: PointLabels, enough: int, choose: Choose) -> None:
        self._labels = labels
        self._enough = enough
        self._choose = choose
        self._texts: dict[LabelledPair, ui.item_label] = {}
        self._lines: dict[LabelledPair, ui.item] = {}
        # `next` continues from it with the first one.
        self.chosen = labels.pairs[-1] if labels.pairs else None
        self._filter = ui.switch('Unfinished only', on_change=self._turn)
        self._list = ui.list().props('dense bordered')
        self._list.classes('w-full max-h-96 overflow-auto pairs')
        self._pages = ui.pagination(1, 1, direction_links=True, on_change=self._turn)
        self._pages.props('max-pages=5 dense')
        self.refresh()

    def choose(self, pair: LabelledPair) -> None:
        """Highlight a pair in the list, on its page."""
        self.chosen = pair
        listed = self._listed()
        self._pages.max = _page(len(listed) - 1)
        self._pages.value = _page(listed.index(pair))
        self.refresh()

    def refresh(self) -> None:
        """Update the state of each pair of the page.

        Raises:
            DatasetError: a table is malformed.
            OSError: the folder no longer exists.
        """
        listed = self._listed()
        self._pages.max = _page(len(listed) - 1)
        self._pages.set_visibility(len(listed) > _LINES)
        begin = (min(self._pages.value or 1, self._pages.max) - 1) * _LINES
        pairs = listed[begin : begin + _LINES]
        if pairs != list(self._lines):
            self._build(pairs)
        for pair, line in self._lines.items():
            self._texts[pair].text = self._told(pair)
            if pair == self.chosen:
                line.classes(_MARK)
            else:
                line.classes(remove=_MARK)

    def next(self) -> LabelledPair:
        """Return the next pair that lacks points, or else the next pair.

        Raises:
            ValueError: there is no pair.
            DatasetError: a table is malformed.
            OSError: the folder no longer exists.
        """
        pairs = self._labels.pairs
        if not pairs:
            raise ValueError('there is no pair yet. Add a video and an image')
        begin = pairs.index(self.chosen) + 1 if self.chosen in pairs else 0
        after = (*pairs[begin:], *pairs[:begin])
        lacking = (pair for pair in after if self._lacks_points(pair))
        return next(lacking, after[0])

    def _turn(self) -> None:
        with told_errors():
            self.refresh()

    def _listed(self) -> list[LabelledPair]:
        """List the pairs that pass the filter, and always the chosen pair."""
        if not self._filter.value:
            return list(self._labels.pairs)
        return [
            pair for pair in self._labels.pairs if pair == self.chosen or self._lacks_points(pair)
        ]

    def _build(self, pairs: Iterable[LabelledPair]) -> None:
        self._list.clear()
        self._lines.clear()
        self._texts.clear()
        with self._list:
            for pair in pairs:
                self._build_line(pair)

    def _build_line(self, pair: LabelledPair) -> None:
        with ui.item(on_click=lambda: self._choose(pair)) as line, ui.item_section():
            ui.item_label(pair.name).classes('[overflow-wrap:anywhere]')
            self._texts[pair] = ui.item_label().classes('text-xs')
            self._lines[pair] = line

    def _told(self, pair: LabelledPair) -> str:
        count = len(self._labels.rows(pair))
        told = f'{count} point{"" if count == 1 else "s"}' if count else 'no points yet'
        if 0 < count < self._enough:
            told += f' of {self._enough}'
        return told

    def _lacks_points(self, pair: LabelledPair) -> bool:
        return len(self._labels.rows(pair)) < self._enough


def _page(index: int) -> int:
    """Return the number, from 1, of the page that contains a line, given its index from 0."""
    return 1 + max(0, index) // _LINES
