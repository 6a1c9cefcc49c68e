# SPDX-License-Identifier: Apache-2.0
"""Values over time, against literal ones."""

from __future__ import annotations

import numpy as np

from afformer_core.demonstrations.contact_reading.hand_paths import (
    changes,
    interpolated,
    smoothed,
    speeds,
    standard_scores,
)


def test_interpolation_by_time_and_not_by_number():
    known = np.array([[[1.0, 2.0]], [[5.0, -6.0]]])
    found = interpolated(np.array([0.0, 0.1, 0.4]), np.array([0.0, 0.4]), known)
    np.testing.assert_allclose(found, [[[1.0, 2.0]], [[2.0, 0.0]], [[5.0, -6.0]]])


def test_smoothing_weighs_by_the_time_between():
    times = np.array([0.0, 0.1, 0.3])
    found = smoothed(times, np.array([[0.0], [10.0], [0.0]]), 0.1)
    # weights exp(-1/2), exp(-2) and exp(-9/2) of the times that are 0.1, 0.2 and 0.3 s apart
    near, far, farthest = 0.606531, 0.135335, 0.011109
    expected = [
        10 * near / (1 + near + farthest),
        10 / (1 + near + far),
        10 * far / (1 + far + farthest),
    ]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)


def test_frames_that_are_far_apart_are_left_as_they_are():
    values = np.array([[1.0, 4.0], [-3.0, 2.0], [7.0, 0.0]])
    np.testing.assert_allclose(
        smoothed(np.array([0.0, 0.5, 1.1]), values, 0.06), values, atol=1e-9
    )


def test_speed_is_per_second():
    points = np.array([[0.0, 0.0], [0.6, 0.8], [1.2, 1.6], [1.2, 1.6]])
    np.testing.assert_allclose(speeds(np.arange(4) * 0.25, points), [4.0, 4.0, 2.0, 0.0])


def test_a_single_point_has_no_speed():
    np.testing.assert_array_equal(speeds(np.array([3.0]), np.array([[5.0, 6.0]])), [0.0])


def test_a_change_is_the_mean_after_minus_the_mean_before():
    times = np.array([0.0, 0.2, 0.4, 0.6, 0.9])
    values = np.array([1.0, 3.0, 8.0, 2.0, 5.0])
    # at 0.4 s: 8, 2 within 0.3 s after; 3, 8 within 0.2 s before
    found = changes(times, values, 0.2, 0.3)
    np.testing.assert_allclose(found, [1.0, 3.5, -0.5, -1.5, 0.0])


def test_a_change_leaves_out_the_unknown_and_takes_a_mean_of_none_for_nothing():
    values = np.array([np.nan, np.nan, 0.4, np.nan, 0.8])
    found = changes(np.arange(5) * 0.1, values, 0.1, 0.2)
    np.testing.assert_allclose(found, [0.4, 0.4, 0.2, 0.4, 0.0], atol=1e-12)


def test_standard_scores():
    np.testing.assert_allclose(
        standard_scores(np.array([1.0, 2.0, 6.0])), [-0.925820, -0.462910, 1.388730], rtol=1e-5
    )
    np.testing.assert_array_equal(standard_scores(np.array([4.0, 4.0])), [0.0, 0.0])
