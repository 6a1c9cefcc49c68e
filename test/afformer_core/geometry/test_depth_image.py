# SPDX-License-Identifier: Apache-2.0
"""Depth images: values, types and units, and the images to which they belong."""

import numpy as np
import pytest

from afformer_core.errors import ImageError
from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage, alignment_problem


@pytest.mark.parametrize(
    'values',
    [np.ones((2, 3)), np.ones((2, 3), np.int32), np.ones(3, np.float32), np.ones((0, 3), 'f4')],
)
def test_other_arrays_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r'float32 \[H, W\]'):
        DepthImage(values, 'camera', 0)


def test_millimetres_are_metres_when_they_are_asked_for() -> None:
    depth = DepthImage(np.array([[0, 1, 500], [65535, 0, 4820]], np.uint16), 'camera', 0)

    expected = np.array([[np.nan, 0.001, 0.5], [65.535, np.nan, 4.82]])
    assert depth.values.dtype == np.float32
    np.testing.assert_allclose(depth.values, expected, rtol=1e-6)
    np.testing.assert_allclose(
        depth.at(np.array([[5, 0], [1, 3]])), [[4.82, np.nan], [0.001, 65.535]]
    )


def test_metres_stay_as_they_are() -> None:
    values = np.array([[0.5, np.nan]], np.float32)

    assert DepthImage(values, 'camera', 0).values is values


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
