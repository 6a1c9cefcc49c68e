# SPDX-License-Identifier: Apache-2.0
"""Features of a demonstration, to compare images with."""

import numpy as np
import pytest

from afformer_core.runtime.features import DemonstrationFeatures


def features(*frames: list[list[float]]) -> np.ndarray:
    """float32 [T, C, 1, N] of frames that list the C features of N positions."""
    return np.stack([np.array(frame, np.float32).T[:, None] for frame in frames])


# Mean (1, 2), deviations (1, 2).
ENDS = features([[0, 0], [2, 4]], [[90, 90], [90, 90]], [[0, 4], [2, 0]])


def test_the_first_and_the_last_frame_count() -> None:
    # (3, 2) is (2, 0) away from the mean: half way between two of the four positions.
    image = features([[3, 2]])[0]
    flat = np.ones((1, 1), np.float32)

    assert DemonstrationFeatures(ENDS).feature_similarity(image, flat) == pytest.approx(
        np.sqrt(0.5), abs=1e-5
    )
    assert DemonstrationFeatures(ENDS[:1]).feature_similarity(
        features([[3, 6]])[0], flat
    ) == pytest.approx(1, abs=1e-4)


def test_a_position_is_described_by_its_direction_from_the_mean() -> None:
    flat = np.ones((1, 1), np.float32)

    # (1, 2) and (-3, 2) deviations away.
    for position, direction in (
        ([2, 6], [0.4472136, 0.8944272]),
        ([-2, 6], [-0.8320503, 0.5547002]),
    ):
        found = DemonstrationFeatures(ENDS).describe(features([position])[0], flat)
        assert found.tolist() == pytest.approx(direction, abs=1e-5)
        assert found.dtype == np.float32


def test_what_is_above_a_third_of_the_maximum_describes_the_peak() -> None:
    image = features([[2, 2], [1, 4], [0, 2]])[0]
    weights = np.array([[0.6, 0.3, 0.2]], np.float32)

    # Directions (1, 0) and (0, 1) by 0.6 and 0.3; the third has just a third of the maximum.
    found = DemonstrationFeatures(ENDS).describe(image, weights)
    assert found.tolist() == pytest.approx([2 / np.sqrt(5), 1 / np.sqrt(5)], abs=1e-4)


def test_a_larger_heatmap_is_averaged_to_the_size_of_the_features() -> None:
    image = features([[2, 2], [1, 4]])[0]
    heatmap = np.zeros((4, 8), np.float32)
    heatmap[:, 2], heatmap[:2, 6] = 1.0, 1.0

    found = DemonstrationFeatures(ENDS).describe(image, heatmap)
    assert found.tolist() == pytest.approx([2 / np.sqrt(5), 1 / np.sqrt(5)], abs=1e-4)


def test_the_surroundings_count_by_the_smeared_heatmap() -> None:
    image = np.tile(np.array([2, 4], np.float32)[:, None, None], (1, 8, 8))
    image[:, :, 5:] = np.array([2, 2], np.float32)[:, None, None]
    heatmap = np.zeros((8, 8), np.float32)
    heatmap[4, 3] = 1

    # The columns to the left are similar by 1, those to the right by 1 / sqrt(2). The heatmap is
    # smeared by one position, and positions below a tenth of the maximum do not count: of a
    # Gaussian, those nearer than 2.14.
    rows, columns = np.mgrid[-2:3, -2:3]
    weights = np.exp(-(rows**2 + columns**2) / 2) * (rows**2 + columns**2 <= 4.6)
    share = weights[:, columns[0] >= 2].sum() / weights.sum()
    expected = 1 - share * (1 - np.sqrt(0.5))
    assert DemonstrationFeatures(ENDS).feature_similarity(image, heatmap) == pytest.approx(
        expected, abs=2e-3
    )


def test_of_many_positions_every_second_is_enough() -> None:
    # All 12 x 16 positions count: every second one of them, those in even columns.
    image = np.tile(np.array([2, 4], np.float32)[:, None, None], (1, 12, 16))
    image[:, :, 1::2] = np.array([2, 2], np.float32)[:, None, None]
    flat = np.full((12, 16), 1 / 192, np.float32)

    assert DemonstrationFeatures(ENDS).feature_similarity(image, flat) == pytest.approx(
        1, abs=1e-4
    )
