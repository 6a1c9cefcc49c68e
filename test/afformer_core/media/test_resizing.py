# SPDX-License-Identifier: Apache-2.0
"""Images at the model's input size."""

import cv2
import numpy as np
import pytest

from afformer_core.errors import ImageError
from afformer_core.media.images import resize_to_input

SIZE = (192, 192)


def smooth_image(width: int, height: int) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    ('width', 'height'), [(640, 480), (1920, 1080), (848, 480), (427, 385), (384, 200)]
)
def test_every_pixel_has_its_part_in_the_mean(width: int, height: int) -> None:
    image = smooth_image(width, height)

    resized = resize_to_input(image, SIZE)

    area = cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA)
    difference = np.abs(resized.astype(int) - area)
    assert difference.mean() < 0.5
    assert difference.max() <= 6


@pytest.mark.parametrize('is_wide', [True, False])
def test_what_shrinks_along_one_axis_is_averaged_too(is_wide: bool) -> None:
    # The two pixels in the middle would be interpolated to 50.
    line = np.repeat(np.array([0, 0, 100, 0] * 4, np.uint8)[:, None], 3, axis=1)
    image = np.ascontiguousarray(np.stack([line] * 4))
    if not is_wide:
        image = np.ascontiguousarray(image.swapaxes(0, 1))

    assert np.all(resize_to_input(image, (4, 4)) == 25)


def test_what_has_the_size_already_is_left_alone() -> None:
    image = smooth_image(192, 192)

    assert resize_to_input(image, SIZE) is image


def test_each_axis_has_its_own_scale() -> None:
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 50:] = 200

    resized = resize_to_input(image, SIZE)

    assert resized.shape == (192, 192, 3)
    assert (resized[:, :90] == 0).all()
    assert (resized[:, 102:] == 200).all()


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_image(image: np.ndarray) -> None:
    with pytest.raises(ImageError, match='expected'):
        resize_to_input(image, SIZE)
