# SPDX-License-Identifier: Apache-2.0
"""Means over seeds with intervals, and the order of rows that they support."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from scipy import stats

from studies.results import StudyResult, row_labels

CONFIDENCE = 0.95
"""Confidence of all intervals."""


@dataclass(frozen=True)
class SeedMean:
    """A mean over trainings that differ in their seed.

    Attributes:
        value: the mean.
        low, high: ends of Student's t interval; the mean itself for a single seed.
        seeds: number of seeds.
    """

    value: float
    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> SeedMean:
        """Compute the mean and interval of at least one value."""
        mean, count = statistics.fmean(values), len(values)
        if count == 1:
            return cls(mean, mean, mean, count)
        error = statistics.stdev(values) / math.sqrt(count)
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
        return cls(mean, mean - half, mean + half, count)


@dataclass(frozen=True)
class OrderCount:
    """Counts of pairs of rows by their order, compared with the order in the paper.

    Attributes:
        same: pairs in the paper's order, whose intervals do not overlap.
        reversed: pairs in the reverse order, whose intervals do not overlap.
        undecided: pairs whose intervals overlap.
        same_by_mean: pairs whose means are in the paper's order, regardless of their intervals.
    """

    same: int
    reversed: int
    undecided: int
    same_by_mean: int

    @property
    def pairs(self) -> int:
        """Number of all pairs."""
        return self.same + self.reversed + self.undecided


def seed_means(results: Sequence[StudyResult], measure: str) -> dict[str, SeedMean | None]:
    """Compute each row's mean of a measure over its seeds; None if it was not measured."""
    means: dict[str, SeedMean | None] = {}
    for label in row_labels(results):
        values = [getattr(result, measure) for result in results if result.row == label]
        means[label] = None if None in values else SeedMean.of(values)
    return means


def order_beside_the_paper(results: Sequence[StudyResult]) -> OrderCount:
    """Count the pairs of rows by their order in the paper's KLD, without pairs of equal KLD."""
    published = {r.row: r.paper_kld for r in results if r.paper_kld is not None}
    means = seed_means(results, 'kld')
    found: list[str] = []
    same_by_mean = 0
    for first, other in combinations(published, 2):
        if published[first] == published[other]:
            continue
        better, worse = (means[row] for row in sorted((first, other), key=published.__getitem__))
        assert better is not None
        assert worse is not None
        found.append(_order(better, worse))
        same_by_mean += better.value < worse.value
    return OrderCount(
        same=found.count('same'),
        reversed=found.count('reversed'),
        undecided=found.count('undecided'),
        same_by_mean=same_by_mean,
    )


def _order(better: SeedMean, worse: SeedMean) -> str:
    if better.high < worse.low:
        return 'same'
    return 'reversed' if worse.high < better.low else 'undecided'
