# SPDX-License-Identifier: Apache-2.0
"""A calibration is what its file says, and a file that says nothing sound is refused."""

from __future__ import annotations

import json

import pytest

from afformer_core.errors import VideoError
from afformer_core.media.lens import LensIntrinsics

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
