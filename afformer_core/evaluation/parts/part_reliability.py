# SPDX-License-Identifier: Apache-2.0
"""The reliability of certainty, compared with the share of right best points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.errors import DatasetError
from afformer_core.evaluation.parts.certainty_fit import fit_certainty
from afformer_core.evaluation.parts.part_confidence import scored_points
from afformer_core.evaluation.parts.part_scores import PartScores
from afformer_core.evaluation.parts.predictors import CONTACT_AND_PEAK
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
    """Compare certainty with the share of right best points, in fifths of the pairs.

    The certainty of each pair comes from a regression on the pairs of the other sources.

    Args:
        scores: scores of a model on N pairs.
        pairs: the N pairs.
        seed: seed of the bootstrap.

    Returns:
        the fifths by name, in order of increasing certainty; empty if a regression cannot be
        fitted (see `fit_certainty`).
    """
    answers = scored_points(CONTACT_AND_PEAK, scores, pairs)
    said = np.zeros(len(answers.values))
    for source in dict.fromkeys(answers.sources.tolist()):
        others = [number for number, pair in enumerate(pairs) if pair.source != source]
        try:
            fitted = fit_certainty(
                [scores[number] for number in others], [pairs[number] for number in others]
            )
        except DatasetError:
            return {}
        chosen = answers.sources == source
        said[chosen] = [fitted.certainty(1.0, value) for value in answers.values[chosen]]
    order = np.argsort(said, kind='stable')
    return {
        f'fifth {number}': CertaintyGroup(
            len(group),
            float(said[group].mean()),
            bootstrap_mean(answers.right[group], [answers.groups[at] for at in group], seed),
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
    return Table.of(
        f'Does certainty equal the share of right points? {label}',
        _HEADINGS,
        rows,
        (
            f'Fifths of the pairs in the order of their certainty, which is fitted on the pairs '
            f'of the other sources. {interval_note("source videos")}',
        ),
    )
