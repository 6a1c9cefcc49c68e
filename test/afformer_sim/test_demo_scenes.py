# SPDX-License-Identifier: Apache-2.0
"""The camera of the demo that moves in front of an image."""

import numpy as np
import pytest

from afformer_sim.demo_scenes.scene import CAMERA_FRAMES, moving_camera


@pytest.mark.parametrize('size', [(480, 360), (360, 640)])
def test_the_camera_moves_and_shows_hardly_anything_beyond_the_image(
    size: tuple[int, int],
) -> None:
    width, height = size
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1.0]])

    shown = np.stack([corners @ np.linalg.inv(matrix).T for matrix in moving_camera(size)])

    shares = shown[..., :2] / size
    assert shares.shape == (CAMERA_FRAMES, 4, 2)
    assert shares.min() > -0.02
    assert shares.max() < 1.02
    assert np.ptp(shares[:, 0], axis=0).min() > 0.05
