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
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> SeedMean:
        """Compute the mean and interval of at least one value."""
        mean, count = statistics.fmean(values), len(values)
        if count == 1:
            return cls(mean, mean, mean)
        error = statistics.stdev(values) / math.sqrt(count)
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
        return cls(mean, mean - half, mean + half)


@dataclass(frozen=True)
class OrderCount:
    """Counts of pairs of rows by their order, compared with the order in the paper.

    Rows are compared by the differences of trainings with the same seed, whose pairs come in the
    same order.

    Attributes:
        same: pairs in the paper's order, the interval of whose difference excludes 0.
        reversed: pairs in the reverse order, the interval of whose difference excludes 0.
        undecided: pairs the interval of whose difference includes 0.
        same_by_mean: pairs whose means are in the paper's order, regardless of their intervals.
        least_difference: median, over the pairs, of half the width of that interval: about the
            least difference of KLD that the study can show; NaN without pairs.
    """

    same: int
    reversed: int
    undecided: int
    same_by_mean: int
    least_difference: float

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


def kld_difference(results: Sequence[StudyResult], row: str, other: str) -> SeedMean:
    """Compute the mean difference of the KLD of two rows, over trainings with the same seed.

    Args:
        results: results of one table.
        row, other: labels of the rows; the difference is that of `row` minus that of `other`.

    Raises:
        ValueError: the rows have no seed in common.
    """
    klds = {
        label: {result.seed: result.kld for result in results if result.row == label}
        for label in (row, other)
    }
    seeds = sorted(seed for seed in klds[row] if seed is not None and seed in klds[other])
    if not seeds:
        raise ValueError(
            f'rows {row!r} and {other!r} have no seed in common. Train both with the same seeds'
        )
    return SeedMean.of([klds[row][seed] - klds[other][seed] for seed in seeds])


def order_beside_the_paper(results: Sequence[StudyResult]) -> OrderCount:
    """Count the pairs of rows by their order in the paper's KLD, without pairs of equal KLD."""
    published = {r.row: r.paper_kld for r in results if r.paper_kld is not None}
    differences = []
    for first, other in combinations(published, 2):
        if published[first] != published[other]:
            better, worse = sorted((first, other), key=published.__getitem__)
            differences.append(kld_difference(results, worse, better))
    same = sum(difference.low > 0 for difference in differences)
    opposite = sum(difference.high < 0 for difference in differences)
    halves = [(difference.high - difference.low) / 2 for difference in differences]
    return OrderCount(
        same=same,
        reversed=opposite,
        undecided=len(differences) - same - opposite,
        same_by_mean=sum(difference.value > 0 for difference in differences),
        least_difference=statistics.median(halves) if halves else math.nan,
    )
