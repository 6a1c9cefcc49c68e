# SPDX-License-Identifier: Apache-2.0
"""Small frames of a demonstration, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.small_video import SmallVideo, small_image
from afformer_core.errors import DemonstrationError

IMAGES = np.zeros((3, 6, 8, 3), np.uint8)
TIMES = np.array([0.0, 0.1, 0.25])


@pytest.mark.parametrize(
    ('images', 'times', 'message'),
    [
        (IMAGES.astype(np.float32), TIMES, r'a frame is float32 \[6, 8, 3\]; expected uint8'),
        (IMAGES[..., :2], TIMES, r'a frame is uint8 \[6, 8, 2\]'),
        (IMAGES[:, :0], TIMES, r'a frame is uint8 \[0, 8, 3\]'),
        (IMAGES[0], TIMES, r'the frames are \[6, 8, 3\]; expected \[T, h, w, 3\]'),
        (IMAGES[:0], TIMES[:0], r'the frames are \[0, 6, 8, 3\]'),
        (np.zeros((3, 2, 321, 3), np.uint8), TIMES, '321x2 pixels; expected at most 320'),
        (IMAGES, TIMES[:2], r'the times are \[2\]; expected 3 finite ones'),
        (IMAGES, np.array([0.0, np.nan, 0.2]), r'the times are \[3\]; expected 3 finite'),
        (IMAGES, np.array([0.0, 0.2, 0.2]), 'the times do not increase'),
    ],
)  # fmt: skip
def test_what_is_no_small_video_is_refused(images, times, message):
    with pytest.raises(DemonstrationError, match=message):
        SmallVideo(images, times)


def test_the_longer_side_may_have_320_pixels():
    assert SmallVideo(np.zeros((3, 320, 5, 3), np.uint8), TIMES).images.shape == (3, 320, 5, 3)


def test_an_image_is_shrunk_to_320_pixels_on_the_longer_side():
    image = np.zeros((480, 640, 3), np.uint8)
    image[100:300, 200:300] = (10, 90, 200)
    found = small_image(image)
    assert found.shape == (240, 320, 3)
    assert found[60, 120].tolist() == [10, 90, 200]
    assert not found[160, 120].any()


def test_a_small_image_stays_as_it_is():
    image = np.random.default_rng(2).integers(0, 255, (200, 320, 3)).astype(np.uint8)
    np.testing.assert_array_equal(small_image(image), image)
