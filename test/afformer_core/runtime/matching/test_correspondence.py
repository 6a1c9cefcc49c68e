# SPDX-License-Identifier: Apache-2.0
"""Descriptors and correlation maps on feature maps that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.runtime.matching.descriptors import (
    correlation_map,
    cosine_map,
    describe,
    highest_positions,
    resize_for_features,
    without_common_mean,
)


def features(*channels: list[list[float]]) -> np.ndarray:
    return np.array(channels, np.float32)


def test_the_mean_is_over_the_positions_of_both() -> None:
    first, second = without_common_mean(features([[1, 2, 3]]), features([[6]]))
    assert first.tolist() == [[[-2, -1, 0]]]
    assert second.tolist() == [[[3]]]


@pytest.mark.parametrize(
    ('position', 'value'),
    [
        ((0.25, 0.25), 0),  # the centre of the first cell
        ((0.5, 0.25), 5),
        ((0.5, 0.5), 15),
        ((0.75, 0.75), 30),
        ((1.0, 1.0), 30),  # beyond the last cell's centre
        ((0.0, 0.5), 10),
    ],
)
def test_a_descriptor_is_interpolated(position: tuple[float, float], value: float) -> None:
    assert describe(features([[0, 10], [20, 30]]), position).tolist() == [value]


def test_a_map_of_one_cell_is_the_same_everywhere() -> None:
    assert describe(features([[7]]), (0.1, 0.9)).tolist() == [7]


def test_cosines_do_not_depend_on_lengths() -> None:
    cosines = cosine_map(features([[3, 0, -2, 0]], [[0, 5, 0, 0]]), np.array([2, 0], np.float32))
    assert cosines.tolist() == [[1, 0, -1, 0]]


def test_the_most_similar_position_is_the_highest() -> None:
    source = features([[9, 1, 1]], [[1, 1, 9]])
    target = features([[1, 1, 9]], [[9, 1, 1]])
    correlation = correlation_map([source], [target], (1 / 6, 0.5), (1, 3))
    assert correlation.argmax() == 2
    assert correlation[0, 2] == pytest.approx(1)
    assert correlation[0, 0] < 0


def test_levels_are_averaged_at_the_size_that_is_expected() -> None:
    fine = features([[1, 0, 0, -1]])
    coarse = features([[1, -1]])
    correlation = correlation_map([fine, coarse], [fine, coarse], (0.125, 0.5), (1, 4))
    assert correlation[0].tolist() == pytest.approx([1, 0.25, -0.25, -1])


def test_the_highest_points_lie_apart() -> None:
    correlation = np.zeros((20, 40), np.float32)
    correlation[10, 5], correlation[10, 6], correlation[2, 30] = 9, 8, 7
    assert highest_positions(correlation, 2).tolist() == [
        [5.5 / 40, 10.5 / 20],
        [30.5 / 40, 2.5 / 20],
    ]


def test_a_small_map_has_no_more_points_than_cells() -> None:
    assert len(highest_positions(np.zeros((1, 2), np.float32), 3)) == 2


@pytest.mark.parametrize(
    ('size', 'resized'),
    [((360, 640), (288, 512)), ((256, 320), (416, 512)), ((10, 1000), (32, 512))],
)
def test_sides_are_multiples_of_the_stride(
    size: tuple[int, int], resized: tuple[int, int]
) -> None:
    assert resize_for_features(np.zeros((*size, 3), np.uint8)).shape == (*resized, 3)
