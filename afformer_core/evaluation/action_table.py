# SPDX-License-Identifier: Apache-2.0
"""The measures of one predictor for each action."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afformer_core.evaluation.estimates import (
    HEATMAP_COLUMNS,
    INTERVAL_NOTE,
    PEAK_COLUMNS,
    estimate,
)
from afformer_core.evaluation.protocols import Row
from afformer_core.evaluation.scoring import RowScores
from afformer_core.evaluation.tables import Cell, Table

_COLUMNS = {**HEATMAP_COLUMNS, **PEAK_COLUMNS}


def action_table(
    title: str,
    protocol: str,
    rows: Sequence[Row],
    scores: RowScores,
    action_names: Sequence[str],
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Table:
    """Measures over all rows and over those of each action that occurs.

    Args:
        title: of the table.
        protocol: name of the rows' protocol.
        rows: at least one.
        scores: of the rows.
        action_names: of the dataset.
        seed: of the bootstrap.
        notes: further sentences below the table.
    """
    actions = np.array([row.action for row in rows])
    chosen = {'all': np.ones(len(rows), bool)}
    chosen |= {action_names[each]: actions == each for each in sorted(set(actions.tolist()))}
    cells: dict[str, list[Cell]] = {}
    for label, taken in chosen.items():
        estimates = estimate(scores, rows, seed, taken)
        cells[label] = [int(taken.sum()), *(estimates[name] for name in _COLUMNS)]
    first = f'Protocol "{protocol}"; lower is better for KLD and the peak error alone.'
    columns = ('rows', *_COLUMNS.values())
    return Table(title, columns, cells, (first, *notes, INTERVAL_NOTE))
