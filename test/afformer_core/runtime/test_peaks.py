# SPDX-License-Identifier: Apache-2.0
"""Peaks of heatmaps drawn by hand."""

import numpy as np
import pytest

from afformer_core.runtime.peaks import find_peaks, share_at_maximum


def blobs(size: tuple[int, int], *centres: tuple[float, float, float]) -> np.ndarray:
    """Gaussians of sigma 2 at (row, column, weight)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    total = sum(
        weight * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8)
        for row, column, weight in centres
    )
    return (total / total.sum()).astype(np.float32)


def test_sub_pixel_place() -> None:
    (peak,) = find_peaks(blobs((64, 64), (20.3, 40.7, 1)), (64, 64), 5)

    assert peak.v == pytest.approx(20.3, abs=0.02)
    assert peak.u == pytest.approx(40.7, abs=0.02)
    assert peak.score == pytest.approx(1, abs=0.02)


def test_each_axis_has_its_own_scale() -> None:
    (peak,) = find_peaks(blobs((64, 64), (20.0, 40.0, 1)), (128, 256), 5)

    assert peak.v == pytest.approx((20 + 0.5) * 2 - 0.5, abs=0.05)
    assert peak.u == pytest.approx((40 + 0.5) * 4 - 0.5, abs=0.05)


def test_best_first_with_shares() -> None:
    peaks = find_peaks(blobs((64, 64), (10, 10, 1), (50, 30, 3)), (64, 64), 5)

    assert [round(peak.v) for peak in peaks] == [50, 10]
    assert [peak.score for peak in peaks] == pytest.approx([0.75, 0.25], abs=0.02)


def test_close_maxima_are_one() -> None:
    peaks = find_peaks(blobs((64, 64), (30, 30, 1), (30, 35, 0.9)), (64, 64), 5)

    assert len(peaks) == 1


def test_no_more_than_wanted() -> None:
    peaks = find_peaks(blobs((64, 64), (8, 8, 1), (30, 50, 1), (55, 10, 1)), (64, 64), 2)

    assert len(peaks) == 2


def test_peak_in_the_corner() -> None:
    heatmap = np.zeros((64, 64), np.float32)
    heatmap[0, 63] = 1
    (peak,) = find_peaks(heatmap, (640, 640), 5)

    assert (peak.u, peak.v) == (634.5, 4.5)
    assert peak.score == 1


def test_a_flat_heatmap_has_peaks_of_low_score() -> None:
    peaks = find_peaks(np.full((64, 64), 1 / 4096, np.float32), (64, 64), 5)

    assert len(peaks) == 5
    assert peaks[0].score < 0.04


def test_the_highest_place_need_not_be_the_best_peak() -> None:
    probabilities = np.full((64, 64), 1e-6, np.float32)
    probabilities[10, 10] = 0.5
    probabilities[40:44, 40:44] = 0.05
    probabilities /= probabilities.sum()

    best = find_peaks(probabilities, (64, 64), 1)[0].score

    assert share_at_maximum(probabilities) == pytest.approx(0.5 / 1.3, abs=6e-3)
    assert best == pytest.approx(0.8 / 1.3, abs=6e-3)


@pytest.mark.parametrize('seed', range(20))
def test_no_peak_is_worse_than_the_highest_place(seed: int) -> None:
    probabilities = np.random.default_rng(seed).random((24, 40), np.float32) ** 8
    probabilities /= probabilities.sum()

    assert share_at_maximum(probabilities) <= find_peaks(probabilities, (24, 40), 1)[0].score


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
