# SPDX-License-Identifier: Apache-2.0
"""The reliability of the certainty that a model reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.evaluation.parts.part_confidence import scored_points
from afformer_core.evaluation.parts.part_scores import PartScores
from afformer_core.reports.bootstrap import Estimate, bootstrap_mean, interval_note
from afformer_core.reports.tables import Cell, Table

_GROUPS = 5
_HEADINGS = {'pairs': 'pairs', 'said': 'certainty, mean', 'right': 'right'}


@dataclass(frozen=True)
class CertaintyGroup:
    """Pairs of similar certainty.

    Attributes:
        pairs: number of pairs.
        said: mean certainty, 0 to 1.
        right: share of the pairs whose best point is inside a part.
    """

    pairs: int
    said: float
    right: Estimate | None


def measure_certainty(
    scores: Sequence[PartScores], pairs: Sequence[PartPair], seed: int = 0
) -> dict[str, CertaintyGroup]:
    """Compare certainty with the share of right best points, in fifths of the pairs by certainty.

    Args:
        scores: scores of a model on N pairs.
        pairs: the N pairs.
        seed: seed of the bootstrap.

    Returns:
        the fifths by name, in order of increasing certainty; empty if no certainty is known.
    """
    known = scored_points('certainty', scores, pairs)
    order = np.argsort(known.values, kind='stable')
    return {
        f'fifth {number}': CertaintyGroup(
            len(group),
            float(known.values[group].mean()),
            bootstrap_mean(known.right[group], [known.groups[at] for at in group], seed),
        )
        for number, group in enumerate(np.array_split(order, _GROUPS), start=1)
        if len(group)
    }


def certainty_table(groups: Mapping[str, CertaintyGroup], label: str) -> Table:
    """Build the table of certainty and the share of right points.

    Args:
        groups: groups of one model, by name, at least one.
        label: label of the model.
    """
    rows: dict[str, dict[str, Cell]] = {name: vars(group) for name, group in groups.items()}
    note = f'Fifths of the pairs with a certainty, in its order. {interval_note("source videos")}'
    return Table.of(
        f'Does certainty equal the share of right points? {label}', _HEADINGS, rows, (note,)
    )
