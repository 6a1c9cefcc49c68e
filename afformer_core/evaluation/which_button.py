# SPDX-License-Identifier: Apache-2.0
"""Which button a heatmap chooses, among the boxes of its image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afformer_core.evaluation.bootstrap import bootstrap_mean
from afformer_core.evaluation.comparison import Comparison
from afformer_core.evaluation.estimates import INTERVAL_NOTE
from afformer_core.evaluation.scoring import RowScores
from afformer_core.evaluation.tables import Cell, Table

BUTTON_COLUMN = 'which-button accuracy'
CHANCE_LABEL = 'a button at random'


def button_table(comparison: Comparison, seed: int = 0) -> Table:
    """The share of rows for which the chosen button is the demonstrated one.

    The chosen button is the one whose box the best peak lies in, or else is nearest to. A robot
    presses at one place, and the most probability inside a box would be no fair choice: of a
    heatmap that says nothing it is the largest box, so that a blind predictor would be right
    wherever large buttons are what people press. A heatmap without a peak is a guess.

    Args:
        comparison: of rows whose elements are known.
        seed: of the bootstrap.
    """
    guesses = np.array([1 / len(row.scene.polygons) for row in comparison.rows if row.scene])
    groups = [row.group for row in comparison.rows]
    cells: dict[str, list[Cell]] = {}
    for label, scores in comparison.scores.items():
        right = _right(scores, guesses)
        cells[label] = [
            bootstrap_mean(right, groups, seed),
            bootstrap_mean(right - guesses, groups, seed),
        ]
    cells[CHANCE_LABEL] = [comparison.chance, None]
    notes = (
        f'{len(guesses)} rows with {np.mean(1 / guesses):.1f} buttons in the image on average; '
        'chance is one by the number of buttons.',
        'The chosen button is the one whose box the best peak lies in or is nearest to; a '
        'heatmap that is flat on top chooses at random.',
        INTERVAL_NOTE,
    )
    return Table('Which button?', (BUTTON_COLUMN, 'above chance'), cells, notes)


def button_measures(table: Table, label: str) -> dict[str, Cell]:
    """The accuracy of a predictor and that of chance, by the names of their measures."""
    return {
        'which_button': table.rows[label][0],
        'which_button_chance': table.rows[CHANCE_LABEL][0],
    }


def _right(scores: RowScores, guesses: NDArray[np.float64]) -> NDArray[np.float64]:
    nearest = scores.peaks.nearest
    return np.where(np.isnan(nearest), guesses, nearest)
