# SPDX-License-Identifier: Apache-2.0
"""Boxes follow what is in them."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.geometric import CropSettings
from afformer_core.offline.training.hands.augmentation import HandAugmentation, mirrored

BOXES = np.array([[20.0, 10.0, 30.0, 40.0]])


def square_image() -> np.ndarray:
    """Dark, 80 wide and 60 high, and white in the box."""
    image = np.full((60, 80, 3), 40, np.uint8)
    image[10:40, 20:30] = 255
    return image


def white(image: np.ndarray) -> list[int]:
    """The box of what is white."""
    rows, columns = np.nonzero(image[..., 0] > 150)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_mirrored() -> None:
    image, boxes = mirrored(square_image(), BOXES)

    assert boxes.tolist() == [[50.0, 10.0, 60.0, 40.0]]
    assert white(image) == [50, 10, 60, 40]


@pytest.mark.parametrize('seed', range(8))
def test_cropped(seed: int) -> None:
    settings = HandAugmentation(crop=CropSettings(scale=(0.2, 0.5), aspect=(0.7, 1.4)))
    image, boxes = settings.apply(square_image(), BOXES, np.random.default_rng(seed))

    assert image.shape == (60, 80, 3)
    assert white(image) == pytest.approx(boxes[0].tolist(), abs=1.5)
    assert np.diff(boxes[0].reshape(2, 2), axis=0).min() > 8


def test_what_is_drawn_depends_on_the_rng_alone() -> None:
    settings = HandAugmentation(0.5, crop=CropSettings(scale=(0.2, 0.5)))
    first, second, other = (
        settings.apply(square_image(), BOXES, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )

    np.testing.assert_array_equal(first[0], second[0])
    none, _ = settings.apply(square_image(), np.empty((0, 4)), np.random.default_rng(3))
    assert not np.array_equal(none, square_image())
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'flip': 1.5}, 'flip is 1.5; expected 0 to 1'),
    ],
)
def test_out_of_range(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HandAugmentation(**settings)
