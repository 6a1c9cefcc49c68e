# SPDX-License-Identifier: Apache-2.0
"""Colours by literal values."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.photometric import (
    ColourChange,
    PhotometricSettings,
    draw_colour_change,
)

EVERYTHING = PhotometricSettings(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)


def changed(change: ColourChange, *colours: tuple[int, int, int]) -> list[list[int]]:
    """What becomes of images of one pixel each."""
    images = np.array(colours, np.uint8)[:, None, None]
    after = change.apply(images)
    assert after.shape == images.shape
    assert after.dtype == np.uint8
    return after[:, 0, 0].tolist()


def test_no_change() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(ColourChange().apply(images), images)


def test_brightness_multiplies_and_is_clipped() -> None:
    assert changed(ColourChange(brightness=1.5), (100, 10, 200)) == [[150, 15, 255]]


def test_contrast_is_about_the_mean_of_all_images() -> None:
    assert changed(ColourChange(contrast=0.5), (40, 40, 40), (80, 80, 80)) == [
        [50, 50, 50],
        [70, 70, 70],
    ]
    assert changed(ColourChange(brightness=0.5, contrast=0.0), (40,) * 3, (80,) * 3) == [
        [30, 30, 30],
        [30, 30, 30],
    ]


def test_saturation_is_about_the_grey_of_each_pixel() -> None:
    assert changed(ColourChange(saturation=0.0), (200, 100, 10)) == [[120, 120, 120]]
    assert changed(ColourChange(saturation=0.5), (200, 100, 10)) == [[160, 110, 65]]


def test_hue_turns_red_to_green_to_blue() -> None:
    ((red, green, blue),) = changed(ColourChange(hue=1 / 3), (160, 100, 100))
    assert green > max(red, blue)
    ((red, green, blue),) = changed(ColourChange(hue=1 / 3), (100, 160, 100))
    assert blue > max(red, green)


def test_hue_keeps_grey_and_brightness() -> None:
    assert changed(ColourChange(hue=0.2), (90, 90, 90)) == [[90, 90, 90]]
    ((red, green, blue),) = changed(ColourChange(hue=0.2), (150, 100, 90))
    assert 0.299 * red + 0.587 * green + 0.114 * blue == pytest.approx(113.8, abs=1)


def test_factors_are_drawn_from_the_whole_range() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_colour_change(EVERYTHING, rng) for _ in range(500)]
    factors = np.array([(d.brightness, d.contrast, d.saturation, d.hue) for d in drawn if d])
    assert len(factors) == 500
    np.testing.assert_allclose(factors.min(axis=0), [0.6, 0.6, 0.6, -0.1], atol=0.01)
    np.testing.assert_allclose(factors.max(axis=0), [1.4, 1.4, 1.4, 0.1], atol=0.01)


def test_some_are_left_as_they_are() -> None:
    rng = np.random.default_rng(0)
    settings = PhotometricSettings(brightness=0.4, probability=0.25)
    changes = [draw_colour_change(settings, rng) for _ in range(1000)]
    assert 720 < changes.count(None) < 780
