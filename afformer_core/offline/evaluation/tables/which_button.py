# SPDX-License-Identifier: Apache-2.0
"""Accuracy of the button that a heatmap chooses among the boxes of its image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.evaluation.metrics.scoring import RowScores
from afformer_core.offline.evaluation.protocols.protocols import ProtocolRow
from afformer_core.offline.evaluation.tables.estimates import INTERVAL_NOTE, PredictorMeasures
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean
from afformer_core.offline.reports.tables import Table

BUTTON_COLUMNS = {
    'which_button': 'which-button accuracy',
    'which_button_above_chance': 'above chance',
}


@dataclass(frozen=True)
class ButtonMeasures:
    """Accuracy of the chosen button.

    Attributes:
        which_button: share of rows with the right button.
        which_button_above_chance: the same minus the accuracy of a random button.
    """

    which_button: Estimate | None
    which_button_above_chance: Estimate | None


def measure_buttons(
    scores: RowScores, rows: Sequence[ProtocolRow], seed: int = 0
) -> ButtonMeasures:
    """Measure the share of rows for which the chosen button is the demonstrated one.

    The chosen button is the one whose box contains the best peak, or else is nearest to it,
    because a robot presses at one point. The box with the most probability would be a biased
    choice: for an uninformative heatmap it is the largest box, so a baseline would be right
    whenever people press large buttons. A heatmap without a peak counts as a guess.

    Args:
        scores: scores of the rows.
        rows: rows whose elements are known.
        seed: seed of the bootstrap.
    """
    groups = [row.group for row in rows]
    right, guesses = right_buttons(scores, rows), _guesses(rows)
    return ButtonMeasures(
        bootstrap_mean(right, groups, seed), bootstrap_mean(right - guesses, groups, seed)
    )


def right_buttons(scores: RowScores, rows: Sequence[ProtocolRow]) -> NDArray[np.float64]:
    """Score each row: 1 if the chosen button is right, the accuracy of a guess if flat; [N].

    Args:
        scores: scores of the rows.
        rows: rows whose elements are known.
    """
    nearest = scores.peaks.nearest
    return np.where(np.isnan(nearest), _guesses(rows), nearest)


def button_table(
    rows: Sequence[ProtocolRow],
    predictors: Mapping[str, PredictorMeasures],
    labels: Mapping[str, str],
) -> Table:
    """Build the table of how often predictors choose the demonstrated button.

    Args:
        rows: rows that were measured, whose elements are known.
        predictors: measures by name; predictors without a choice have no row.
        labels: labels of their rows.
    """
    measured = {
        labels[name]: vars(measures)
        for name, measures in predictors.items()
        if measures.which_button is not None
    }
    guesses = _guesses(rows)
    notes = (
        f'{len(guesses)} rows with {np.mean(1 / guesses):.1f} buttons in the image on average; '
        f'chance is one divided by the number of buttons.',
        'The chosen button is the one whose box contains the best peak or is nearest to it; a '
        'heatmap with several equal maxima chooses at random.',
        INTERVAL_NOTE,
    )
    return Table.of('Which button?', BUTTON_COLUMNS, measured, notes)


def _guesses(rows: Sequence[ProtocolRow]) -> NDArray[np.float64]:
    """Compute how often a random button is right, [N]."""
    return np.array([1 / len(row.scene.polygons) for row in rows if row.scene])
