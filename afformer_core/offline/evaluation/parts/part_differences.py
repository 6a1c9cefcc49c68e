# SPDX-License-Identifier: Apache-2.0
"""Paired differences of several models from the first, on pairs with outlined parts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from afformer_core.offline.evaluation.least_differences import difference_table
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean, interval_note
from afformer_core.offline.reports.tables import Table

HEADINGS = {
    'inside': 'inside a part',
    'near': 'within 5 %',
    'within_size': 'within one size',
    'any_inside': 'three best: inside',
    'mass_inside': 'probability inside',
    'action': 'action accepted',
    'found': 'found',
    'answered': 'answered',
    'other_inside': 'inside, another place',
    'other_found': 'found, another place',
    'nearby_inside': 'inside, another thing',
    'nearby_found': 'found, another thing',
    'contact_first': 'contact in the first frame',
    'contact_close': 'contact in the first frame, within 2.5 %',
}
"""Headings of the compared scores, by the names of `PartScores`."""


PartDifference = Mapping[str, Estimate | None]
"""Means of a model's scores less those of the first model, paired, by the names of `PartScores`;
None if not measured."""


def measure_part_differences(
    models: Mapping[str, Sequence[PartScores]], source_videos: Sequence[Hashable], seed: int = 0
) -> dict[str, PartDifference]:
    """Measure the paired differences of all other models from the first, by name.

    An interval is that of the mean difference over the pairs, from resampling whole source videos.

    Args:
        models: scores of each model on the same N pairs, at least one model by name.
        source_videos: source videos of the N pairs.
        seed: seed of the bootstrap.
    """
    (reference, *others) = models
    return {
        name: {
            score: bootstrap_mean(
                _values(score, models[name]) - _values(score, models[reference]),
                source_videos,
                seed,
            )
            for score in HEADINGS
        }
        for name in others
    }


def part_difference_table(first: str, differences: Mapping[str, PartDifference]) -> Table:
    """Build the table of the differences of the other models from the first.

    Args:
        first: name of the first model.
        differences: differences of the others, by name, at least one.
    """
    notes = (
        f"Difference of each model's measure from that of {first} on the same pairs.",
        f'{interval_note("source videos")} A measure distinguishes the two models if its whole '
        f'interval is farther from 0 than the least difference.',
    )
    return difference_table(first, differences, HEADINGS, notes)


def _values(name: str, scores: Sequence[PartScores]) -> np.ndarray:
    """Collect one score of all pairs, float64 [N]; NaN if it is not measured."""
    return np.array([getattr(score, name) for score in scores], np.float64)
