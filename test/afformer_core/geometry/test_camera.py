# SPDX-License-Identifier: Apache-2.0
"""Calibrations from messages with literal numbers, and the depth images that fit them."""

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.errors import ImageError
from afformer_core.geometry.camera import (
    Calibration,
    CalibrationError,
    DepthImage,
    DepthSettings,
    alignment_problem,
    weighted_cloud,
)

CAMERA = [600.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]
PROJECTION = [400.0, 0.0, 300.0, -40.0, 0.0, 400.0, 200.0, 20.0, 0.0, 0.0, 1.0, 0.0]


def camera_info(**changes: Any) -> SimpleNamespace:
    fields = {
        'header': SimpleNamespace(frame_id='camera'),
        'width': 640,
        'height': 480,
        'distortion_model': 'plumb_bob',
        'd': np.zeros(5),
        'k': np.array(CAMERA),
        'p': np.array(PROJECTION),
        'binning_x': 0,
        'binning_y': 0,
        'roi': SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False),
    }
    return SimpleNamespace(**{**fields, **changes})


def region(left: int, top: int, width: int, height: int) -> SimpleNamespace:
    return SimpleNamespace(
        x_offset=left, y_offset=top, width=width, height=height, do_rectify=False
    )


def test_pixels_of_an_image_that_is_not_rectified() -> None:
    calibration = Calibration.from_message(camera_info(), rectified=False)

    assert (calibration.width, calibration.height) == (640, 480)
    assert calibration.frame_id == 'camera'
    rays = calibration.rays([[320, 240], [920, 240], [320, 740]])
    np.testing.assert_allclose(rays, [[0, 0], [1, 0], [0, 1]])


def test_fields_in_capitals() -> None:
    message = camera_info()
    message.K, message.D, message.P = message.k, message.d, message.p
    del message.k, message.d, message.p

    calibration = Calibration.from_message(message, rectified=False)

    assert calibration.matrix.ravel().tolist() == CAMERA


def test_a_rectified_image_has_the_projection_with_its_translation() -> None:
    calibration = Calibration.from_message(
        camera_info(d=np.array([0.3, 0.1, 0, 0, 0])), rectified=True
    )

    # X = ((u - cx) z - Tx) / fx
    (point,) = calibration.points([[500, 200]], [2.0])
    np.testing.assert_allclose(point, [(200 * 2 + 40) / 400, -20 / 400, 2])


def test_binning_keeps_the_direction_of_the_same_point() -> None:
    full = Calibration.from_message(camera_info(), rectified=False)
    binned = Calibration.from_message(camera_info(binning_x=2, binning_y=4), rectified=False)

    assert (binned.width, binned.height) == (320, 120)
    # The first binned pixel lies amid columns 0 and 1 and amid rows 0 to 3.
    np.testing.assert_allclose(binned.rays([[0, 0]]), full.rays([[0.5, 1.5]]))
    assert binned.matrix[0].tolist() == [300, 0, (320 - 0.5) / 2]


def test_binning_scales_the_translation() -> None:
    calibration = Calibration.from_message(camera_info(binning_x=2, binning_y=2), rectified=True)

    assert calibration.translation == (-20, 10)


def test_a_region_of_interest_shifts() -> None:
    calibration = Calibration.from_message(
        camera_info(roi=region(100, 60, 200, 160), binning_x=2, binning_y=2), rectified=False
    )

    assert (calibration.width, calibration.height) == (100, 80)
    assert calibration.matrix[0, 2] == (320 - 100 - 0.5) / 2
    assert calibration.matrix[1, 2] == (240 - 60 - 0.5) / 2


@pytest.mark.parametrize(
    ('model', 'coefficients'),
    [
        ('plumb_bob', [-0.3, 0.1, 0.001, -0.002, 0.01]),
        ('rational_polynomial', [0.4, -2.5, 0.001, -0.0002, 1.5, 0.3, -2.3, 1.4]),
        ('rational_polynomial', [0.4, -2.5, 0.001, -0.0002, 1.5, 0.3, -2.3, 1.4, *[1e-3] * 4]),
        ('rational_polynomial', [0.4, -2.5, 0, 0, 1.5, 0.3, -2.3, 1.4, *[1e-3] * 4, 0.01, 0.02]),
    ],
)
def test_distortion_is_undone(model: str, coefficients: list[float]) -> None:
    directions = np.array([[0.0, 0.0], [0.3, -0.2], [-0.45, 0.35]])
    matrix = np.reshape(CAMERA, (3, 3))
    pixels, _ = cv2.projectPoints(
        np.concatenate([directions, np.ones((3, 1))], axis=1),
        np.zeros(3),
        np.zeros(3),
        matrix,
        np.array(coefficients),
    )
    message = camera_info(distortion_model=model, d=np.array(coefficients))

    rays = Calibration.from_message(message, rectified=False).rays(pixels.reshape(-1, 2))

    np.testing.assert_allclose(rays, directions, atol=1e-6)


def test_a_fisheye_lens_is_undone_even_with_zero_coefficients() -> None:
    message = camera_info(distortion_model='equidistant', d=np.zeros(4))

    rays = Calibration.from_message(message, rectified=False).rays([[320 + 600 * 0.5, 240]])

    # The distance from the middle is the angle, not its tangent.
    np.testing.assert_allclose(rays, [[np.tan(0.5), 0]], atol=1e-6)


def test_what_cannot_be_undone_has_no_ray() -> None:
    message = camera_info(distortion_model='equidistant', d=np.zeros(4))

    rays = Calibration.from_message(message, rectified=False).rays([[320 + 600 * 1.6, 240]])

    assert np.isnan(rays).all()


def test_no_coefficients_are_no_distortion() -> None:
    calibration = Calibration.from_message(
        camera_info(distortion_model='', d=np.zeros(0)), rectified=False
    )

    assert (calibration.distortion_model, calibration.distortion) == ('', ())


@pytest.mark.parametrize(
    ('changes', 'rectified', 'text'),
    [
        ({'k': np.zeros(9)}, False, 'all-zero K: the camera is not calibrated'),
        ({'p': np.zeros(12)}, True, 'all-zero P'),
        ({'width': 0}, False, '0x480'),
        ({'height': 0}, False, '640x0'),
        ({'k': np.array([-1.0, *CAMERA[1:]])}, False, 'expected values above 0'),
        ({'k': np.array([np.nan, *CAMERA[1:]])}, False, 'finite'),
        ({'distortion_model': 'magic'}, False, "model is 'magic'; expected one of plumb_bob"),
        ({'d': np.zeros(3)}, False, 'has 3 coefficients; expected 4 or 5'),
        ({'distortion_model': '', 'd': np.ones(5)}, False, "model is ''; expected one of"),
        ({'d': np.full(5, np.nan)}, False, 'finite'),
        ({'roi': region(600, 0, 100, 480)}, False, r'100x480 pixels at \(600, 0\)'),
        ({'roi': region(10, 0, 0, 0)}, False, 'region of interest'),
        ({'binning_x': 1000}, False, '0x480'),
    ],
)
def test_what_is_refused(changes: dict[str, Any], rectified: bool, text: str) -> None:
    with pytest.raises(CalibrationError, match=text):
        Calibration.from_message(camera_info(**changes), rectified=rectified)


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


SETTINGS = DepthSettings()


def flat(metres: float = 1.2) -> np.ndarray:
    return np.full((480, 640), metres, np.float32)


def heatmap(value: float = 0.5) -> np.ndarray:
    marked = np.zeros((480, 640), np.float32)
    marked[100:110, 200:220] = value
    marked[105, 205] = 2 * value
    return marked


def cloud_of(values: np.ndarray, calibration: Calibration, **limits: float) -> np.ndarray:
    depth = DepthImage(values, 'camera', 0)
    return weighted_cloud(heatmap(), depth, calibration, SETTINGS, **limits)


def test_points_and_weights(calibration: Calibration) -> None:
    cloud = cloud_of(flat(), calibration)

    assert cloud.shape == (200, 4)
    assert cloud.dtype == np.float32
    np.testing.assert_allclose(
        cloud[0], [(200 - 319.5) * 1.2 / 600, (100 - 239.5) * 1.2 / 600, 1.2, 0.5], rtol=1e-6
    )
    assert (cloud[:, 3] == 1).sum() == 1


def test_weak_pixels_are_left_out(calibration: Calibration) -> None:
    assert len(cloud_of(flat(), calibration, least_weight=0.6)) == 1


def test_holes_and_depths_out_of_range_are_left_out(calibration: Calibration) -> None:
    values = flat()
    values[100:110, 200:205] = np.nan
    values[100:110, 215:220] = 0.05

    cloud = cloud_of(values, calibration)

    # The columns next to both still have six neighbours on the surface.
    assert len(cloud) == 100


def test_flying_pixels_and_edges_are_left_out(calibration: Calibration) -> None:
    values = flat()
    values[:, 210] = 1.5
    values[:, 211:] = 2.0

    cloud = cloud_of(values, calibration)

    assert set(cloud[:, 2].tolist()) == {np.float32(1.2), 2.0}
    assert len(cloud) == 200 - 10 * 3


@pytest.mark.parametrize('maximum', [1, 7, 100, 199, 200])
def test_no_more_points_than_expected(calibration: Calibration, maximum: int) -> None:
    cloud = cloud_of(flat(), calibration, maximum_points=maximum)

    assert maximum / 2 < len(cloud) <= maximum


def test_depth_of_half_the_size(calibration: Calibration) -> None:
    cloud = cloud_of(np.full((240, 320), 1.2, np.float32), calibration)

    # The first pixel of the depth image covers columns 200, 201 and rows 100, 101.
    np.testing.assert_allclose(
        cloud[0, :3], [(200.5 - 319.5) * 0.002, (100.5 - 239.5) * 0.002, 1.2], rtol=1e-6
    )
    assert len(cloud) == 50


def test_an_empty_heatmap_has_no_points(calibration: Calibration) -> None:
    depth = DepthImage(flat(), 'camera', 0)
    empty = np.zeros((480, 640), np.float32)

    assert weighted_cloud(empty, depth, calibration, SETTINGS).shape == (0, 4)
