# SPDX-License-Identifier: Apache-2.0
"""A sentence that reports whether a trained model is better than the one with which it began."""

from __future__ import annotations

from nicegui import ui

from afformer_core.studio.comparison.comparisons import Comparisons
from afformer_core.studio.comparison.gallery import build_gallery
from afformer_core.studio.comparison.model_comparison import ModelComparison
from afformer_core.studio.messages import told_errors


class TrainingVerdict:
    """The sentence, with a button to compare, and the pairs under both heatmaps.

    Args:
        comparisons: comparisons of the server.
    """

    def __init__(self, comparisons: Comparisons) -> None:
        self._comparisons = comparisons
        self._names = ('', '')
        self._words = ui.label().classes('text-lg font-bold change').props('aria-live=polite')
        self._button = ui.button('Better than before?', icon='compare', on_click=self._compare)
        self._button.props('outline no-caps')
        self._shown: ModelComparison | None = None
        self._pairs = ui.expansion('Each pair, before and after', icon='photo_library')
        self._pairs.classes('w-full')

    def show(self, before: str, name: str, *, is_finished: bool, is_new: bool) -> None:
        """Show the sentence of a training.

        Args:
            before: name of the model with which it began; empty if it is not known.
            name: name of its model.
            is_finished: whether it has finished.
            is_new: whether to compare without a click, unless this has been done.
        """
        self._names = before, name
        comparisons, known = self._comparisons, bool(before) and is_finished
        if known and is_new and not comparisons.runs and self._names not in comparisons.begun:
            self._compare()
        own = known and comparisons.names == self._names
        result = comparisons.results.get(self._names) if known else None
        if own and comparisons.runs:
            done, total = comparisons.progress
            told = f'{done} of {total} measured' if total else 'models and pairs are opened'
            self._words.text = f'Comparing with {before}: {told}'
        elif result is not None:
            self._words.text = result.change
        else:
            self._words.text = comparisons.failure if own else ''
        self._words.set_visibility(bool(self._words.text))
        self._button.text = 'Better than before?' if result is None else 'Compare again'
        self._button.set_visibility(known and not comparisons.runs)
        self._show_pairs(result)

    def _show_pairs(self, result: ModelComparison | None) -> None:
        self._pairs.set_visibility(result is not None)
        if result is not None and result is not self._shown:
            self._shown = result
            self._pairs.clear()
            with self._pairs:
                build_gallery(result)

    def _compare(self) -> None:
        with told_errors():
            self._comparisons.start(*self._names)
