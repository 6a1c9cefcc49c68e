# SPDX-License-Identifier: Apache-2.0
"""Bootstrapped intervals of means, medians and areas over groups that are drawn whole.

Every function takes values [N], NaN where there is none, the names of their N groups, such as
images or scenes, and the seed of 1,000 draws of whole groups. It returns None if no value exists.

SciPy's bootstrap draws single values. scikit-learn's area would sort the values for each of 1,000
draws, which takes 12 s for 2,000 pairs instead of 0.14 s.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
"""Confidence level of all intervals."""

_REPETITIONS = 1000
# Number of draws that are summed at once.
_BATCHES = 10
_TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Estimate:
    """A mean, a median or an area with its bootstrapped interval.

    Attributes:
        value: mean, median or area of all values.
        low, high: bounds of the interval.
        count: number of values.
        confidence: confidence level of the interval, 0 to 1.

    Raises:
        ValueError: the bounds are in the wrong order, or there is no value.
    """

    value: float
    low: float
    high: float
    count: int
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        if self.low > self.high or self.count < 1:
            raise ValueError(
                f'the interval is [{self.low}, {self.high}] of {self.count} values; expected '
                'bounds in increasing order, from at least 1 value'
            )

    def __str__(self) -> str:
        return f'{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]'


def interval_note(groups: str) -> str:
    """Describe the groups over which the intervals of a table are taken."""
    return f'Intervals: {100 * CONFIDENCE:g} %, bootstrapped over {groups}.'


def bootstrap_mean(
    values: ArrayLike, groups: Sequence[Hashable], seed: int = 0
) -> Estimate | None:
    """Estimate the mean over all values."""
    return bootstrap_class_mean(values, groups, np.zeros(len(groups), int), seed)


def bootstrap_class_mean(
    values: ArrayLike, groups: Sequence[Hashable], classes: ArrayLike, seed: int = 0
) -> Estimate | None:
    """Estimate the mean over classes [N] of their means: of hits, balanced accuracy."""
    measured, rows, exists = _existing(values, groups)
    if not len(measured):
        return None
    columns = _codes(np.asarray(classes)[exists].tolist())
    sums = np.zeros((rows.max() + 1, columns.max() + 1))
    counts = np.zeros_like(sums)
    np.add.at(sums, (rows, columns), measured)
    np.add.at(counts, (rows, columns), 1)
    return _estimate_of_ratios(sums, counts, len(measured), seed)


def bootstrap_ratio(
    values: ArrayLike, denominators: ArrayLike, groups: Sequence[Hashable], seed: int = 0
) -> Estimate:
    """Estimate the ratio of two means; the denominators [N] have a positive sum in each group."""
    rows = _codes(groups)
    sums, totals = (np.zeros((rows.max() + 1, 1)) for _ in range(2))
    np.add.at(sums[:, 0], rows, np.asarray(values, np.float64))
    np.add.at(totals[:, 0], rows, np.asarray(denominators, np.float64))
    return _estimate_of_ratios(sums, totals, len(rows), seed)


def bootstrap_median(
    values: ArrayLike, groups: Sequence[Hashable], seed: int = 0
) -> Estimate | None:
    """Estimate the median over all values."""
    measured, codes, _ = _existing(values, groups)
    if not len(measured):
        return None
    order = np.argsort(measured, kind='stable')
    ordered, codes = measured[order], codes[order]
    medians = [
        _median(ordered, times[codes]) for times in _drawn_times(int(codes.max()) + 1, seed)
    ]
    return _estimate(_median(ordered, np.ones_like(codes)), medians, len(ordered))


def bootstrap_area(
    positive: ArrayLike, negative: ArrayLike, groups: Sequence[Hashable], seed: int = 0
) -> Estimate:
    """Estimate the area under the ROC curve of values that should be high, and others [N].

    The positive and the negative value at an index are of its group.
    """
    values = np.concatenate([np.asarray(kind, np.float64) for kind in (positive, negative)])
    separation = bootstrap_separation(
        values, np.arange(len(values)) < len(groups), [*groups, *groups], seed
    )
    assert separation is not None
    return separation


def bootstrap_separation(
    values: ArrayLike, is_positive: ArrayLike, groups: Sequence[Hashable], seed: int = 0
) -> Estimate | None:
    """Estimate the area under the ROC curve of values that should be high, or not (booleans [N]).

    Returns:
        None if there is no positive value, or no negative one.
    """
    measured, codes, exists = _existing(values, groups)
    high = np.asarray(is_positive, bool)[exists]
    if not high.any() or high.all():
        return None
    size = int(codes.max()) + 1
    of_high, of_low = codes[high], codes[~high]
    wins = np.zeros((size, size))
    for group in range(size):
        below = measured[~high][of_low == group]
        np.add.at(wins[:, group], of_high, _wins(measured[high], below))
    times = np.stack(list(_drawn_times(size, seed))).astype(np.float64)
    # A draw may contain values of only one kind.
    compared = (times @ np.bincount(of_high, minlength=size)) * (
        times @ np.bincount(of_low, minlength=size)
    )
    won = ((times @ wins) * times).sum(axis=1)
    areas = won[compared > 0] / compared[compared > 0]
    return _estimate(area_under_curve(measured[high], measured[~high]), areas, len(measured))


def area_under_curve(positive: ArrayLike, negative: ArrayLike) -> float:
    """Compute the share of pairs of positive [N] above negative [M]; ties count half."""
    low = np.asarray(negative, np.float64)
    return float(_wins(np.asarray(positive, np.float64), low).mean() / len(low))


def _wins(high: NDArray[np.float64], low: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count the values of `low` below each value of `high`; equal ones count half."""
    ordered = np.sort(low)
    sides = np.searchsorted(ordered, high, 'left') + np.searchsorted(ordered, high, 'right')
    return np.asarray(sides / 2)


def _median(ordered: NDArray[np.float64], counts: NDArray[np.intp]) -> float:
    """Compute the median of increasing values that each occur a given number of times."""
    last = np.cumsum(counts)
    middle = ((last[-1] + 1) // 2, last[-1] // 2 + 1)
    return float(ordered[np.searchsorted(last, middle)].mean())


def _estimate_of_ratios(
    sums: NDArray[np.float64], counts: NDArray[np.float64], count: int, seed: int
) -> Estimate:
    """Average over C columns the ratios of sums [G, C] to counts [G, C] of G groups.

    Args:
        sums: over each group.
        counts: likewise.
        count: count of the values that were summed.
        seed: seed of the draws.
    """
    means = [
        _means_of_ratios(sums[draws].sum(1), counts[draws].sum(1))
        for draws in np.array_split(_draws(len(sums), seed), _BATCHES)
    ]
    value = _means_of_ratios(sums.sum(0, keepdims=True), counts.sum(0, keepdims=True))[0]
    return _estimate(float(value), np.concatenate(means), count)


def _existing(
    values: ArrayLike, groups: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]:
    """Return the values that are not NaN, the codes of their groups, and their mask."""
    measured = np.asarray(values, np.float64)
    exists = ~np.isnan(measured)
    codes = _codes([group for group, there in zip(groups, exists, strict=True) if there])
    return measured[exists], codes, exists


def _draws(size: int, seed: int) -> NDArray[np.int64]:
    """Draw `size` of `size` groups with replacement; [repetitions, size]."""
    return np.random.default_rng(seed).integers(size, size=(_REPETITIONS, size))


def _drawn_times(size: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield for each repetition how often each group was drawn, [size]."""
    return (np.bincount(draw, minlength=size) for draw in _draws(size, seed))


def _estimate(
    value: float, repeated: Sequence[float] | NDArray[np.float64], count: int
) -> Estimate:
    """Return a value with its count and the interval of its repetitions."""
    low, high = np.quantile(repeated, _TAILS, method='nearest')
    return Estimate(value, float(low), float(high), count)


def _means_of_ratios(
    totals: NDArray[np.float64], numbers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average the ratios of each row of [R, C] over the columns that have a number; [R]."""
    exists = numbers > 0
    ratios = np.divide(totals, numbers, out=np.zeros_like(totals), where=exists)
    return np.asarray(ratios.sum(1) / exists.sum(1))


def _codes(names: Sequence[Any]) -> NDArray[np.intp]:
    order = {name: code for code, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], np.intp)
