# SPDX-License-Identifier: Apache-2.0
"""Windows of pixels, and the steps through them."""

import numpy as np
import pytest

from afformer_core.geometry.neighbourhood import (
    DIRECTIONS,
    OFFSETS,
    STEPS,
    beside,
    disc_window,
    median,
    pixel_count,
)


def test_pixels_are_sorted_by_distance() -> None:
    distances = np.hypot(*OFFSETS.T)

    assert OFFSETS[0].tolist() == [0, 0]
    assert (np.diff(distances) >= 0).all()
    assert len({tuple(offset) for offset in OFFSETS.tolist()}) == len(OFFSETS)


@pytest.mark.parametrize(('radius', 'count'), [(3, 37), (7, 177), (16, 845)])
def test_a_smaller_window_is_the_beginning_of_a_larger_one(radius: int, count: int) -> None:
    assert pixel_count(radius) == count
    assert np.hypot(*OFFSETS[:count].T).max() <= radius + 0.3


@pytest.mark.parametrize('radius', [7, 9, 16])
def test_each_step_has_pixels_on_both_sides(radius: int) -> None:
    window = disc_window(radius)
    real = np.isfinite(window.positions)

    assert window.basis.shape == (3 + STEPS, window.count)
    assert (np.abs(window.basis[3:][real]) == 1).all()
    assert (window.basis[3:][real].min(axis=1) == -1).all()
    assert (window.basis[3:][real].max(axis=1) == 1).all()
    assert (window.basis[3:][~real] == 0).all()


def test_the_side_of_a_step_on_which_the_middle_lies() -> None:
    window = disc_window(9)
    right = int(np.flatnonzero((window.positions == 2.5) & (DIRECTIONS[:, 0] == 1))[0])
    left = int(np.flatnonzero((window.positions == -2.5) & (DIRECTIONS[:, 0] == 1))[0])

    assert beside(window, right).tolist() == (OFFSETS[:, 0] <= 2).tolist()
    assert beside(window, left).tolist() == (OFFSETS[:, 0] >= -2).tolist()


@pytest.mark.parametrize('count', [1, 2, 3, 37, 100])
def test_the_median_is_that_of_numpy(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count).astype(np.float32)

    assert median(values) == pytest.approx(float(np.median(values)))
