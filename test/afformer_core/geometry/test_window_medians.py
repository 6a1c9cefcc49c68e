# SPDX-License-Identifier: Apache-2.0
"""Medians of rows against NumPy's."""

import numpy as np
import pytest

from afformer_core.geometry.neighbourhood import medians


@pytest.mark.parametrize('count', [1, 2, 3, 4, 37, 100])
def test_they_are_those_of_numpy(count: int) -> None:
    values = np.random.default_rng(count).normal(size=(5, count)).astype(np.float32)
    before = values.copy()

    found = medians(values, np.ones(values.shape, bool))

    np.testing.assert_allclose(found, np.median(values, axis=1), rtol=1e-6)
    assert np.array_equal(values, before)


def test_only_what_counts_is_looked_at() -> None:
    values = np.array([[1.0, 2, 30, 4], [7, 8, 9, 10], [np.nan, 5, 6, 7]])
    counted = np.array([[1, 1, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1]], bool)

    assert medians(values, counted).tolist() == [2, 9.5, 6]


def test_a_row_of_which_nothing_counts() -> None:
    assert medians(np.ones((1, 3)), np.zeros((1, 3), bool)).tolist() == [np.inf]


def test_no_rows() -> None:
    assert medians(np.zeros((0, 4)), np.zeros((0, 4), bool)).shape == (0,)
