# SPDX-License-Identifier: Apache-2.0
"""The measures of one predictor for each action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from afformer_core.evaluation.estimates import (
    HEATMAP_COLUMNS,
    INTERVAL_NOTE,
    PEAK_COLUMNS,
    RowMeasures,
    estimate,
)
from afformer_core.evaluation.protocols import Row
from afformer_core.evaluation.scoring import RowScores
from afformer_core.evaluation.tables import Table

ACTION_TABLE_COLUMNS = {'rows': 'rows', **HEATMAP_COLUMNS, **PEAK_COLUMNS}


def measure_actions(
    rows: Sequence[Row], scores: RowScores, action_names: Sequence[str], seed: int = 0
) -> dict[str, RowMeasures]:
    """Measures of the rows of each action that occurs, by its name.

    Args:
        rows: at least one.
        scores: of the rows.
        action_names: of the dataset.
        seed: of the bootstrap.
    """
    actions = np.array([row.action for row in rows])
    return {
        action_names[each]: estimate(scores, rows, seed, actions == each)
        for each in sorted(set(actions.tolist()))
    }


def action_table(
    title: str,
    protocol: str,
    all_rows: RowMeasures,
    by_action: Mapping[str, RowMeasures],
    notes: Sequence[str] = (),
) -> Table:
    """Measures of all rows, and of those of each action.

    Args:
        title: of the table.
        protocol: name of the rows' protocol.
        all_rows: of one predictor.
        by_action: likewise, by name.
        notes: further sentences below the table.
    """
    first = f'Protocol "{protocol}"; lower is better for KLD and the peak error alone.'
    rows = {'all': vars(all_rows), **{name: vars(each) for name, each in by_action.items()}}
    return Table.of(title, ACTION_TABLE_COLUMNS, rows, (first, *notes, INTERVAL_NOTE))
