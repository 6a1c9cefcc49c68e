# SPDX-License-Identifier: Apache-2.0
"""A calibration is what its file says, and a file that says nothing sound is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.media.lens import LensIntrinsics, pinhole_focal, undistort

COMMON = {
    'image_width': 456,
    'image_height': 256,
    'fx': 137.98,
    'fy': 138.23,
    'cx': 232.17,
    'cy': 125.37,
}
FISHEYE = {**COMMON, 'k1': 0.3948, 'k2': 0.1798, 'k3': -0.2753, 'k4': 0.0793}
PINHOLE = {**COMMON, 'k1': -0.25, 'k2': 0.06, 'p1': 0.004, 'p2': -0.003, 'k3': -0.005}


@pytest.mark.parametrize(
    ('fields', 'model', 'distortion'),
    [
        ({'model': 'fisheye', **FISHEYE}, 'fisheye', (0.3948, 0.1798, -0.2753, 0.0793)),
        (FISHEYE, 'fisheye', (0.3948, 0.1798, -0.2753, 0.0793)),
        (PINHOLE, 'pinhole', (-0.25, 0.06, 0.004, -0.003, -0.005)),
        (
            {'model': 'pinhole', **PINHOLE, 'k4': 0},
            'pinhole',
            (-0.25, 0.06, 0.004, -0.003, -0.005),
        ),
    ],
    ids=['fisheye', 'four without a model', 'five without a model', 'pinhole'],
)
def test_both_models_are_read_and_written(
    fields: dict[str, object], model: str, distortion: tuple[float, ...]
) -> None:
    lens = LensIntrinsics.from_json(json.dumps(fields))

    assert lens == LensIntrinsics(
        model, (456, 256), (137.98, 138.23), (232.17, 125.37), distortion
    )
    assert LensIntrinsics.from_json(lens.to_json()) == lens


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"fx": ', 'it is not JSON'),
        ('[1, 2]', 'it is list; expected a JSON object'),
        ('{}', 'image_width, image_height, fx, fy, cx, cy, k1, k2, p1, p2, k3 are missing'),
        (json.dumps({**FISHEYE, 'model': 'omnidirectional'}), "model is 'omnidirectional'"),
        (json.dumps({**FISHEYE, 'fx': '138'}), "fx is '138'; expected a number"),
        (json.dumps({**FISHEYE, 'k4': float('nan')}), 'k4 is nan; expected a number'),
        (json.dumps({**FISHEYE, 'fy': 0}), 'fy is 0; expected above 0'),
        (json.dumps({**FISHEYE, 'cx': 456}), 'cx is 456; expected 0 to 456'),
        (json.dumps({**FISHEYE, 'image_height': 256.5}), 'expected whole pixels'),
        (json.dumps({**FISHEYE, 'image_width': 1}), 'image_width is 1; expected at least 2'),
        (
            json.dumps({**PINHOLE, 'model': 'pinhole', 'k4': 0.1}),
            'k4 is 0.1; a pinhole camera has no such coefficient',
        ),
    ],
)
def test_a_file_that_says_nothing_sound_is_refused(text: str, message: str) -> None:
    with pytest.raises(VideoError, match=message):
        LensIntrinsics.from_json(text)


# That of a head-mounted camera, 133 degrees across.
WIDE = LensIntrinsics(
    'fisheye', (456, 256), (137.98, 138.23), (232.17, 125.37), (0.3948, 0.1798, -0.2753, 0.0793)
)
NARROW = replace(WIDE, focal=(180.0, 180.0))
BARREL = LensIntrinsics(
    'pinhole', (320, 240), (200.0, 210.0), (165.0, 118.0), (-0.25, 0.06, 0.004, -0.003, -0.005)
)
PLAIN = LensIntrinsics('pinhole', (101, 81), (90.0, 90.0), (50.0, 40.0), (0.0,) * 5)


def noise(width: int, height: int) -> np.ndarray:
    """A smooth image of random colours."""
    small = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def opencv_maps(lens: LensIntrinsics, focal: float) -> tuple[np.ndarray, np.ndarray]:
    """Where OpenCV finds the pixels of the pinhole camera in an image of the lens."""
    width, height = lens.size
    (fx, fy), (cx, cy) = lens.focal, lens.centre
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    pinhole = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    module = cv2.fisheye if lens.model == 'fisheye' else cv2
    return module.initUndistortRectifyMap(
        camera, np.array(lens.distortion), np.eye(3), pinhole, lens.size, cv2.CV_32FC1
    )


@pytest.mark.parametrize('lens', [WIDE, BARREL], ids=lambda lens: lens.model)
def test_the_image_is_that_of_opencv(lens: LensIntrinsics) -> None:
    image = noise(*lens.size)

    found = undistort(image, lens)

    expected = cv2.remap(image, *opencv_maps(lens, pinhole_focal(lens)), cv2.INTER_LINEAR)
    # Both round positions to 1/32 of a pixel, not alike.
    assert np.abs(found.astype(int) - expected).max() <= 4
    assert np.abs(found.astype(int) - image).mean() > 10


@pytest.mark.parametrize('lens', [NARROW, BARREL, PLAIN], ids=['fisheye', 'barrel', 'plain'])
def test_all_that_is_shown_was_seen_and_a_shorter_focal_length_would_show_more(
    lens: LensIntrinsics,
) -> None:
    def seen(focal: float) -> bool:
        across, down = opencv_maps(lens, focal)
        inside = (across > -0.01) & (across < lens.size[0] - 0.99)
        return bool((inside & (down > -0.01) & (down < lens.size[1] - 0.99)).all())

    focal = pinhole_focal(lens)

    assert seen(focal)
    assert not seen(0.99 * focal)


def test_no_ray_is_more_than_60_degrees_off_the_axis() -> None:
    assert pinhole_focal(WIDE) == pytest.approx(math.hypot(455, 255) / 2 / math.sqrt(3))


def test_a_lens_without_distortion_changes_nothing() -> None:
    image = noise(*PLAIN.size)
    assert pinhole_focal(PLAIN) == pytest.approx(90)
    assert np.abs(undistort(image, PLAIN).astype(int) - image).max() <= 4


def test_a_calibration_for_larger_images_is_scaled() -> None:
    # Coordinates count from the middle of a pixel.
    larger = replace(WIDE, size=(912, 512), focal=(275.96, 276.46), centre=(464.84, 251.24))
    image = noise(*WIDE.size)
    assert pinhole_focal(larger.of_size((456, 256))) == pytest.approx(pinhole_focal(WIDE))
    assert (undistort(image, larger) == undistort(image, WIDE)).mean() > 0.99


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(VideoError, match='frames are 256x456, and their camera was cal'):
        undistort(noise(256, 456), WIDE)


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        ({'distortion': (-0.4, 0.0, 0.0, 0.0)}, 'folds the image 52 degrees from its axis'),
        ({'focal': (5.0, 5.0)}, r'focal length is .* times that of fx and fy'),
        ({'distortion': (500.0, 0.0, 0.0, 0.0)}, r'focal length is .* times that of fx and fy'),
    ],
    ids=['fold', 'tiny', 'strong'],
)
def test_what_no_lens_can_have_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(VideoError, match=message):
        pinhole_focal(replace(WIDE, **changed))
