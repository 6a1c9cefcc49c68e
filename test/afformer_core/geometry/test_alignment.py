# SPDX-License-Identifier: Apache-2.0
"""Which images, depth images and calibrations belong together."""

import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage, alignment_problem


def depth_image(height: int, width: int, frame_id: str = 'camera') -> DepthImage:
    return DepthImage(np.ones((height, width), np.float32), frame_id, 0)


@pytest.mark.parametrize('size', [(480, 640), (240, 320), (960, 1280), (267, 357)])
def test_what_fits(calibration: Calibration, size: tuple[int, int]) -> None:
    assert alignment_problem((480, 640), 'camera', depth_image(*size), calibration) == ''


def test_a_slash_before_a_frame_is_nothing(calibration: Calibration) -> None:
    assert alignment_problem((480, 640), '/camera', depth_image(480, 640), calibration) == ''


@pytest.mark.parametrize(
    ('image_size', 'image_frame', 'depth', 'text'),
    [
        ((240, 320), 'camera', depth_image(240, 320), 'camera_info is for 640x480'),
        ((480, 640), 'camera', depth_image(480, 848), '848x480 pixels, another aspect ratio'),
        ((480, 640), 'camera', depth_image(480, 640, 'infra'), "the frame 'infra'"),
        ((480, 640), 'infra', depth_image(480, 640, 'infra'), "camera_info is in the frame 'cam"),
    ],
)
def test_what_does_not(
    calibration: Calibration,
    image_size: tuple[int, int],
    image_frame: str,
    depth: DepthImage,
    text: str,
) -> None:
    assert text in alignment_problem(image_size, image_frame, depth, calibration)
