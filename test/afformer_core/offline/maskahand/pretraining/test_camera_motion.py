# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest
import skimage.data

from afformer_core.offline.data.augmentation.geometric import warp_images, warp_points
from afformer_core.offline.maskahand.pretraining.synthesis import camera_motion

TEXTURE_IMAGE = cv2.resize(skimage.data.coffee(), (256, 192), interpolation=cv2.INTER_AREA)
POSITIONS = np.array([[40.0, 30.0], [200.0, 40.0], [128.0, 96.0], [60.0, 160.0], [210.0, 150.0]])
# Turned a little, nearer, and 7 and 5 pixels aside.
MOVED = np.array([[1.03, -0.02, 7.0], [0.02, 1.03, -5.0], [1e-5, 0.0, 1.0]])


@pytest.mark.parametrize('motion', [np.eye(3), MOVED], ids=['at rest', 'moved'])
def test_what_stands_still_is_followed_behind_a_hand(motion):
    (second,) = warp_images(TEXTURE_IMAGE[None], motion)
    second = second.copy()
    second[70:130, 90:150] = (220, 170, 140)
    found = camera_motion(TEXTURE_IMAGE, second)

    assert found is not None
    off = warp_points(POSITIONS, found) - warp_points(POSITIONS, motion)
    assert np.abs(off).max() < 0.6


def test_where_nothing_is_to_be_followed():
    other = cv2.resize(skimage.data.astronaut(), (256, 192), interpolation=cv2.INTER_AREA)
    flat = np.full((192, 256, 3), 90, np.uint8)
    for first, second in ((TEXTURE_IMAGE, other), (flat, flat), (TEXTURE_IMAGE, flat)):
        assert camera_motion(first, second) is None
