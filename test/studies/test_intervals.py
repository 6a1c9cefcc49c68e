# SPDX-License-Identifier: Apache-2.0
"""Means over seeds, and what they say of the order of rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studies.intervals import SeedMean, kld_difference, order_beside_the_paper, seed_means
from studies.results import StudyResult


def test_the_interval_of_three_seeds_is_students() -> None:
    mean = SeedMean.of([1.0, 2.0, 3.0])

    # 4.3027 standard errors of sqrt(1 / 3)
    assert mean.value == 2.0
    assert mean.low == pytest.approx(2.0 - 2.4841, abs=1e-4)
    assert mean.high == pytest.approx(2.0 + 2.4841, abs=1e-4)
    assert SeedMean.of([1.5]) == SeedMean(1.5, 1.5, 1.5)


def test_rows_are_ordered_where_their_difference_is_the_same_for_each_seed(
    result: Callable[..., StudyResult],
) -> None:
    rows = {
        'baseline': (None, [9.0]),
        'best': (1.5, [1.00, 2.01, 3.02]),
        'second': (1.6, [1.30, 2.33, 3.30]),
        'also second': (1.6, [0.90, 1.91, 2.90]),
        'third': (1.7, [1.2, 4.1, 2.0]),
    }
    results = [
        result(row, paper_kld, seed, kld)
        for row, (paper_kld, klds) in rows.items()
        for seed, kld in enumerate(klds)
    ]

    # best before second by 0.30 in each; also second before best by 0.10 to 0.12; third undecided
    count = order_beside_the_paper(results)

    assert (count.same, count.reversed, count.undecided, count.same_by_mean) == (1, 1, 3, 4)
    assert count.least_difference == pytest.approx(3.8433, abs=1e-4)


def test_a_difference_is_of_the_same_seeds(result: Callable[..., StudyResult]) -> None:
    coarse = [result('coarse', 1.6, seed, kld) for seed, kld in ((2, 5.0), (0, 2.0), (1, 3.5))]
    fine = [result('fine', 1.5, seed, kld) for seed, kld in ((0, 1.0), (3, 9.0), (1, 2.0))]

    difference = kld_difference([*coarse, *fine], 'coarse', 'fine')
    assert seed_means(coarse, 'auc_j') == {'coarse': None}

    assert difference == SeedMean.of([1.0, 1.5])


def test_rows_without_a_common_seed(result: Callable[..., StudyResult]) -> None:
    results = [result('coarse', 1.6, 0, 2.0), result('fine', 1.5, 1, 1.0)]

    with pytest.raises(ValueError, match="'coarse' and 'fine' have no seed in common"):
        kld_difference(results, 'coarse', 'fine')
