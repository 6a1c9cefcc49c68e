# SPDX-License-Identifier: Apache-2.0
"""A tab to compare two models on own pairs."""

from __future__ import annotations

from nicegui import ui

from afformer_core.reports.tables import Table, cell_text
from afformer_core.runtime.shipped_model import SHIPPED
from afformer_core.studio.comparison.comparisons import Comparisons
from afformer_core.studio.comparison.gallery import build_gallery
from afformer_core.studio.comparison.model_comparison import ModelComparison
from afformer_core.studio.messages import told_errors
from afformer_core.studio.studio_tab import Turn

_SECONDS = 0.5
_NOTE = (
    'Both are measured on all marked pairs, as by afformer evaluate. Pairs from the training of '
    'a model show only whether it learned them; other pairs show how it generalizes.'
)

_ALONE = 'There is only the shipped model. Train one in the tab Train, and compare it here.'


class CompareTab:
    """The tab, as a `StudioTab`.

    Args:
        comparisons: comparisons of the server, which end with it.
    """

    name = 'Compare'

    def __init__(self, comparisons: Comparisons) -> None:
        self._comparisons = comparisons

    def build(self) -> Turn:
        """Build the tab in a page (see `StudioTab.build`)."""
        return _ComparePanel(self._comparisons).turn_to

    def close(self) -> None:
        """End a running comparison."""
        self._comparisons.close()


class _ComparePanel:
    """The tab in one page: two models, their measures, and the pairs sorted by difference.

    Args:
        comparisons: comparisons of the server.
    """

    def __init__(self, comparisons: Comparisons) -> None:
        self._comparisons = comparisons
        self._shown: ModelComparison | None = None
        with ui.row().classes('w-full items-center gap-4'):
            self._models = [
                ui.select([SHIPPED], label=label)
                .classes('w-48 max-sm:w-full')
                .props('dense outlined')
                for label in ('First model', 'Second model')
            ]
            self._start = ui.button('Compare', icon='compare', on_click=self._compare)
            self._cancel = ui.button('Cancel', on_click=comparisons.cancel).props('outline')
        self._note = ui.label(_NOTE).classes('text-sm')
        self._words = ui.label().classes('comparison-state').props('aria-live=polite')
        self._progress = ui.linear_progress(0, show_value=False)
        self._progress.props('aria-label="Progress of the comparison"')
        self._result = ui.column().classes('w-full gap-4')
        self._timer = ui.timer(_SECONDS, self._refresh, active=False)

    def turn_to(self, shown: bool) -> None:  # noqa: FBT001
        """Update only while the tab is shown."""
        self._timer.active = shown
        if shown:
            self._offer_models()
            self._refresh()

    def _offer_models(self) -> None:
        names = list(self._comparisons.models.models())
        for select, other in zip(self._models, (names[0], names[-1]), strict=True):
            select.set_options(names, value=select.value if select.value in names else other)
        self._note.text = _NOTE if len(names) > 1 else _ALONE

    def _compare(self) -> None:
        with told_errors():
            first, second = (str(select.value) for select in self._models)
            self._comparisons.start(first, second)
            self._refresh()

    def _refresh(self) -> None:
        comparisons = self._comparisons
        runs, (done, total) = comparisons.runs, comparisons.progress
        self._start.set_enabled(not runs and len(comparisons.models.models()) > 1)
        self._cancel.set_enabled(runs)
        self._progress.set_visibility(runs)
        self._progress.value = done / total if total else 0
        self._words.text = _in_words(comparisons)
        result = comparisons.result
        if result is not self._shown:
            self._shown = result
            self._result.clear()
            if result is not None:
                with self._result:
                    _build_result(result)


def _in_words(comparisons: Comparisons) -> str:
    done, total = comparisons.progress
    if comparisons.runs:
        return f'{done} of {total} measured' if total else 'Models and pairs are opened'
    return comparisons.failure


def _build_result(result: ModelComparison) -> None:
    ui.label(result.verdict).classes('text-lg font-bold verdict')
    with ui.column().classes('w-full min-w-0 gap-2'):
        build_gallery(result)
    with ui.expansion('All numbers, with intervals', icon='table_chart').classes('w-full'):
        accuracy, difference, *others = result.tables
        for table in (difference, accuracy, *others):
            _build_table(table)


def _build_table(table: Table) -> None:
    headings = ('', *table.columns)
    columns = [
        {
            'name': str(number),
            'label': heading,
            'field': str(number),
            'align': 'right' if number else 'left',
        }
        for number, heading in enumerate(headings)
    ]
    rows = [
        {str(number): text for number, text in enumerate((label, *map(cell_text, cells)))}
        for label, cells in table.rows.items()
    ]
    with ui.column().classes('w-full min-w-0 gap-1'):
        built = ui.table(rows=rows, columns=columns, row_key='0', title=table.title)
        # On a phone, a table scrolls within its frame.
        built.props('dense flat bordered wrap-cells').classes('w-full max-w-full measures')
        for note in table.notes:
            ui.label(note).classes('text-xs')
