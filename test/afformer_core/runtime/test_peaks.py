# SPDX-License-Identifier: Apache-2.0
"""Peaks and regions of heatmaps drawn by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afformer_core.runtime.peaks import Peak, find_peaks, marked_region, pixel_of, share_at_maximum


def test_peak_in_the_corner() -> None:
    heatmap = np.zeros((64, 64), np.float32)
    heatmap[0, 63] = 1
    (peak,) = find_peaks(heatmap, (640, 640), 5)

    assert (peak.u, peak.v) == (634.5, 4.5)
    assert peak.score == 1


# A tenth of them is 3 or 4 pixels.
SIDES = st.integers(26, 40)


@settings(max_examples=20)
@given(SIDES, SIDES, st.sampled_from([0.0, 1 / 64, 1 / 16]), st.integers(0, 999))
def test_of_plateaus_peaks_are_apart_and_the_first_is_the_highest(
    height: int, width: int, ripple: float, seed: int
) -> None:
    levels = np.random.default_rng(seed).integers(0, 4, (height, width)) ** 3
    probabilities = (levels / levels.sum()).astype(np.float32)

    first, *others = find_peaks(probabilities, (height, width), 99, ripple)

    assert share_at_maximum(probabilities, ripple) == first.score
    assert ripple or probabilities[pixel_of(first, (height, width))] == probabilities.max()
    radius = round(0.1 * min(height, width))
    positions = np.array([(peak.u, peak.v) for peak in (first, *others)])
    for number, position in enumerate(positions[1:], 1):
        gaps = np.linalg.norm(positions[:number] - position, axis=1)
        # Each is at most half a pixel from its own pixel in both directions.
        assert gaps.min() > radius - math.sqrt(2)


def test_a_wider_smoothing_finds_the_peak_of_more_pixels() -> None:
    probabilities = np.zeros((64, 90), np.float32)
    probabilities[10, 20] = 0.2
    probabilities[38:43, 58:63] = 0.032

    peaks = [find_peaks(probabilities, (64, 90), 1, ripple)[0] for ripple in (0.0, 1 / 32)]

    assert [(peak.u, peak.v) for peak in peaks] == [(20, 10), pytest.approx((60, 40))]


def test_ripples_within_a_blob_are_no_peaks() -> None:
    v, u = np.mgrid[:192, :192]
    blob = np.exp(-((u - 96.0) ** 2 + (v - 60.0) ** 2) / (2 * 8.0**2))
    first, second = (
        (blob * (1 + 0.05 * np.cos(2 * np.pi * (u - at) / 8))).astype(np.float32)
        for at in (93.9, 98.1)
    )

    peaks = [find_peaks(one / one.sum(), (192, 192), 1)[0] for one in (first, second)]

    # The highest pixels are on both sides of the middle.
    assert first.argmax() % 192 < 96 < second.argmax() % 192
    for peak in peaks:
        assert abs(peak.u - 96) < 1
        assert abs(peak.v - 60) < 0.1


def test_a_scene_of_seven_blobs_in_numbers() -> None:
    v, u = np.mgrid[:64, :96]
    blobs = (
        (20.3, 30.6, 1.0, 3.0, 2.0),
        (22.0, 39.0, 0.6, 2.0, 2.0),
        (50.2, 80.4, 0.5, 4.0, 6.0),
        (3.0, 92.0, 0.4, 2.0, 2.0),
        (62.7, 5.2, 0.3, 1.5, 1.5),
        (40.0, 50.0, 0.01, 2.0, 2.0),
        (45.0, 15.0, 0.0025, 1.0, 1.0),
    )
    total = 1e-6 + sum(
        weight * np.exp(-((v - row) ** 2) / (2 * high**2) - (u - column) ** 2 / (2 * wide**2))
        for row, column, weight, high, wide in blobs
    )
    probabilities = (total / total.sum()).astype(np.float32)

    peaks = find_peaks(probabilities, (480, 1280), 10)

    # The last one is too weak; the second is too near to the first of its neighbours.
    assert [(peak.u, peak.v) for peak in peaks] == [
        pytest.approx(position, abs=2e-3)
        for position in (
            (414.217, 155.518),
            (1078.167, 379.750),
            (1232.870, 25.730),
            (72.833, 475.750),
            (672.834, 303.250),
        )
    ]
    shares = [0.26681, 0.29280, 0.06600, 0.02136, 0.00178]
    assert [peak.score for peak in peaks] == pytest.approx(shares, abs=1e-5)
    assert share_at_maximum(probabilities) == pytest.approx(0.26681, abs=1e-5)


# A thousandth of the probability is a peak; those within a tenth of the shorter side are one.
@pytest.mark.parametrize(
    ('share', 'distance', 'found'), [(0.00095, 30, 1), (0.00105, 30, 2), (0.4, 6, 1), (0.4, 7, 2)]
)
def test_what_is_another_peak(share: float, distance: int, found: int) -> None:
    probabilities = np.zeros((64, 200), np.float32)
    probabilities[32, 50], probabilities[32, 50 + distance] = 1 - share, share

    assert len(find_peaks(probabilities, (64, 200), 5)) == found


def test_of_equal_peaks_the_first_row_comes_first() -> None:
    probabilities = np.zeros((64, 64), np.float32)
    for row, column in ((40, 10), (10, 40), (10, 12)):
        probabilities[row, column] = 1 / 3

    positions = [(round(one.v), round(one.u)) for one in find_peaks(probabilities, (64, 64), 5)]
    assert positions == [(10, 12), (10, 40), (40, 10)]


HEATMAP = np.float32(0.5) * np.array(
    [[0.0, 0.4, 0.0, 0.0, 0.6], [0.0, 1.0, 0.5, 0.0, 0.6], [0.6, 0.0, 0.0, 0.0, 0.0]], np.float32
)


def test_connected_pixels_from_the_share_on():
    # The diagonal neighbour belongs to it; the column on the right has no peak.
    expected = [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [1, 0, 0, 0, 0]]
    region = marked_region(HEATMAP, [Peak(1.2, 0.8, 0.9)], 0.5)
    np.testing.assert_array_equal(region, np.array(expected, bool))


def test_several_peaks_have_several_regions():
    region = marked_region(HEATMAP, [Peak(1.0, 1.0, 0.9), Peak(4.0, 1.0, 0.1)], 0.6)
    assert region.sum() == 4


def test_a_peak_below_the_share_has_no_region():
    assert not marked_region(HEATMAP, [Peak(4.0, 1.0, 0.1)], 0.7).any()


def test_of_nothing_there_is_no_region():
    assert not marked_region(np.zeros((3, 5), np.float32), [Peak(1.0, 1.0, 0.9)], 0.5).any()


def test_the_pixel_of_a_peak_is_inside_the_image():
    assert pixel_of(Peak(4.6, -0.4, 0.9), (3, 5)) == (0, 4)
