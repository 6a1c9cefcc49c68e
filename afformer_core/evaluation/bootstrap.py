# SPDX-License-Identifier: Apache-2.0
"""Bootstrapped intervals of means and medians over groups that are drawn whole."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_REPETITIONS = 1000


@dataclass(frozen=True)
class Estimate:
    """A mean or a median, and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f'{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]'


def bootstrap_mean(
    values: ArrayLike, groups: Sequence[Hashable], seed: int = 0
) -> Estimate | None:
    """Mean over all values, with an interval from drawing whole groups 1,000 times.

    Args:
        values: [N]; NaN where there is none.
        groups: N names, of images or appliances.
        seed: of the draws.

    Returns:
        None where no value exists.
    """
    return bootstrap_class_mean(values, groups, np.zeros(len(groups), int), seed)


def bootstrap_class_mean(
    values: ArrayLike, groups: Sequence[Hashable], classes: ArrayLike, seed: int = 0
) -> Estimate | None:
    """Mean over the classes of the mean of each: balanced accuracy, where values are hits.

    Args:
        values: [N]; NaN where there is none.
        groups: N names, drawn whole.
        classes: [N] integers.
        seed: of the draws.

    Returns:
        None where no value exists.
    """
    measured = np.asarray(values, np.float64)
    exists = ~np.isnan(measured)
    if not exists.any():
        return None
    rows = _codes([group for group, there in zip(groups, exists, strict=True) if there])
    columns = _codes(np.asarray(classes)[exists].tolist())
    sums = np.zeros((rows.max() + 1, columns.max() + 1))
    counts = np.zeros_like(sums)
    np.add.at(sums, (rows, columns), measured[exists])
    np.add.at(counts, (rows, columns), 1)
    draws = np.random.default_rng(seed).integers(len(sums), size=(_REPETITIONS, len(sums)))
    means = [_mean_of_ratios(sums[draw], counts[draw]) for draw in draws]
    low, high = np.quantile(means, (0.025, 0.975), method='nearest')
    return Estimate(_mean_of_ratios(sums, counts), float(low), float(high))


def bootstrap_median(
    values: ArrayLike, groups: Sequence[Hashable], seed: int = 0
) -> Estimate | None:
    """Median over all values, with an interval from drawing whole groups 1,000 times.

    Args:
        values: [N]; NaN where there is none.
        groups: N names, of images or appliances.
        seed: of the draws.

    Returns:
        None where no value exists.
    """
    measured = np.asarray(values, np.float64)
    exists = ~np.isnan(measured)
    if not exists.any():
        return None
    codes = _codes([group for group, there in zip(groups, exists, strict=True) if there])
    order = np.argsort(measured[exists], kind='stable')
    ordered, codes = measured[exists][order], codes[order]
    size = int(codes.max()) + 1
    draws = np.random.default_rng(seed).integers(size, size=(_REPETITIONS, size))
    medians = [_median(ordered, np.bincount(draw, minlength=size)[codes]) for draw in draws]
    low, high = np.quantile(medians, (0.025, 0.975), method='nearest')
    return Estimate(_median(ordered, np.ones_like(codes)), float(low), float(high))


def _median(ordered: NDArray[np.float64], counts: NDArray[np.intp]) -> float:
    """Of values in rising order that occur so many times each."""
    last = np.cumsum(counts)
    middle = ((last[-1] + 1) // 2, last[-1] // 2 + 1)
    return float(ordered[np.searchsorted(last, middle)].mean())


def _mean_of_ratios(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    totals, numbers = sums.sum(0), counts.sum(0)
    return float((totals[numbers > 0] / numbers[numbers > 0]).mean())


def _codes(names: Sequence[Any]) -> NDArray[np.intp]:
    order = {name: code for code, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], np.intp)
