# SPDX-License-Identifier: Apache-2.0
"""Means over seeds, and what they say of the order of rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studies.intervals import OrderCount, SeedMean, order_beside_the_paper, seed_means
from studies.results import StudyResult


def test_the_interval_of_three_seeds_is_students() -> None:
    mean = SeedMean.of([1.0, 2.0, 3.0])

    # 4.3027 standard errors of sqrt(1 / 3)
    assert (mean.value, mean.seeds) == (2.0, 3)
    assert mean.low == pytest.approx(2.0 - 2.4841, abs=1e-4)
    assert mean.high == pytest.approx(2.0 + 2.4841, abs=1e-4)


def test_one_seed_has_no_interval() -> None:
    assert SeedMean.of([1.5]) == SeedMean(1.5, 1.5, 1.5, 1)


def test_what_was_not_measured_has_no_mean(result: Callable[..., StudyResult]) -> None:
    results = [result('whole', 1.6, seed, 1.0) for seed in range(2)]

    assert seed_means(results, 'auc_j') == {'whole': None}


def test_rows_are_ordered_where_their_intervals_do_not_overlap(
    result: Callable[..., StudyResult],
) -> None:
    rows = {
        'baseline': (None, [9.0]),
        'best': (1.5, [1.00, 1.01, 1.02]),
        'second': (1.6, [1.50, 1.51, 1.52]),
        'also second': (1.6, [0.90, 0.91, 0.92]),
        'third': (1.7, [0.2, 1.5, 2.9]),
    }
    results = [
        result(row, paper_kld, seed, kld)
        for row, (paper_kld, klds) in rows.items()
        for seed, kld in enumerate(klds)
    ]

    # best before second; also second before best; the third, of mean 1.53, overlaps with all
    assert order_beside_the_paper(results) == OrderCount(
        same=1, reversed=1, undecided=3, same_by_mean=4
    )
