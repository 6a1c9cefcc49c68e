# SPDX-License-Identifier: Apache-2.0
"""Boxes follow what is in them."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.geometric import CropSettings
from afformer_core.offline.data.augmentation.photometric import PhotometricSettings
from afformer_core.offline.training.hands.augmentation import (
    HandAugmentation,
    bordered,
    cut_video,
    mirrored,
)

BOXES = np.array([[20.0, 10.0, 30.0, 40.0]])


def square_image(frames: int = 1) -> np.ndarray:
    """Dark, 80 wide and 60 high, and white in the box; the first frame is the darkest."""
    images = np.full((frames, 60, 80, 3), 40, np.uint8)
    images[:, 10:40, 20:30] = 255
    images[:, 0, 0] = np.arange(frames)[:, None]
    return images


def white(frames: np.ndarray) -> list[int]:
    """The box of what is white in the last frame."""
    rows, columns = np.nonzero(frames[-1, ..., 0] > 150)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_mirrored() -> None:
    image, boxes = mirrored(square_image(), BOXES)

    assert boxes.tolist() == [[50.0, 10.0, 60.0, 40.0]]
    assert white(image) == [50, 10, 60, 40]


def test_bordered() -> None:
    shares = np.array([0.25, 0.5, 0.0, 0.1])
    image, boxes = bordered(square_image(), BOXES, shares, np.random.default_rng(1))

    assert image.shape == (1, 96, 100, 3)
    assert boxes.tolist() == [[40.0, 40.0, 50.0, 70.0]]
    assert image[0, 40:70, 40:50].min() == 255
    assert np.unique(image[0, :30]).size == 1


@pytest.mark.parametrize('seed', range(8))
def test_cropped(seed: int) -> None:
    settings = HandAugmentation(crop=CropSettings(scale=(0.2, 0.5), aspect=(0.7, 1.4)))
    image, boxes = settings.apply(square_image(), BOXES, np.random.default_rng(seed))

    assert image.shape == (1, 60, 80, 3)
    assert white(image) == pytest.approx(boxes[0].tolist(), abs=1.5)
    assert np.diff(boxes[0].reshape(2, 2), axis=0).min() > 8


def test_what_is_drawn_depends_on_the_rng_alone() -> None:
    settings = HandAugmentation(0.5, crop=CropSettings(scale=(0.2, 0.5)), blur=2.0)
    first, second, other = (
        settings.apply(square_image(), BOXES, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )

    np.testing.assert_array_equal(first[0], second[0])
    none, _ = settings.apply(square_image(), np.empty((0, 4)), np.random.default_rng(3))
    assert not np.array_equal(none, square_image())
    assert not np.array_equal(first[0], other[0])


def test_all_frames_are_changed_alike() -> None:
    settings = HandAugmentation(
        0.5, PhotometricSettings(brightness=0.5), CropSettings(scale=(0.2, 0.5)), 0.5, 1.0
    )
    frames, _ = settings.apply(square_image(3)[[1, 1, 1]], BOXES, np.random.default_rng(0))

    assert frames.shape[0] == 3
    np.testing.assert_array_equal(frames[0], frames[1])
    np.testing.assert_array_equal(frames[0], frames[2])
    forwards = square_image(3)
    frames, boxes = HandAugmentation(reverse=1.0).apply(forwards, BOXES, np.random.default_rng(0))
    np.testing.assert_array_equal(frames, forwards[[2, 1, 0]])
    np.testing.assert_array_equal(boxes, BOXES)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'flip': 1.5}, 'flip is 1.5; expected 0 to 1'),
        ({'reverse': -1.0}, 'reverse is -1.0; expected 0 to 1'),
        ({'border': -0.1}, 'border is -0.1'),
        ({'blur': float('nan')}, 'blur nan'),
    ],
)
def test_out_of_range(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HandAugmentation(**settings)


def test_beyond_a_cut_is_another_video() -> None:
    frames = np.stack([np.full((6, 8, 3), value, np.uint8) for value in range(7)])
    other = np.stack([np.full((3, 5, 3), 100 + value, np.uint8) for value in range(7)])
    drawn = {
        tuple(cut_video(frames, other, np.random.default_rng(seed))[:, 2, 2, 0].tolist())
        for seed in range(60)
    }

    assert drawn == {
        (100, 1, 2, 3, 4, 5, 6),
        (100, 101, 2, 3, 4, 5, 6),
        (100, 101, 102, 3, 4, 5, 6),
        (0, 1, 2, 3, 104, 105, 106),
        (0, 1, 2, 3, 4, 105, 106),
        (0, 1, 2, 3, 4, 5, 106),
    }
    assert frames[:, 2, 2, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
