# SPDX-License-Identifier: Apache-2.0
"""The normal of motion of a rod in front of a tilted wall."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.motion import motion_normal
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings
from afformer_core.runtime.grounding import Peak

CALIBRATION = Calibration.from_message(
    SimpleNamespace(
        width=320, height=240, distortion_model='plumb_bob', d=[], binning_x=0, binning_y=0,
        k=[300.0, 0.0, 159.5, 0.0, 300.0, 119.5, 0.0, 0.0, 1.0], p=[0.0] * 12, r=[0.0] * 9,
        roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False),
        header=SimpleNamespace(frame_id='camera'),
    ),
    rectified=False,
)  # fmt: skip
# Towards the camera, tilted by 36.87 degrees.
WALL = np.array([0.6, 0.0, -0.8])
PEAK = Peak(160.0, 120.0, 0.9)
ROD = SurfacePoint(np.array([0.0, 0.0, 0.57]), np.eye(3) * 1e-6, None, '')


def _depth(noise=0.0, holes=False):
    """A wall through (0, 0, 0.6), and an upright rod 1 cm wide in front of it."""
    columns, rows = np.meshgrid(np.arange(320), np.arange(240))
    x, y = (columns - 159.5) / 300, (rows - 119.5) / 300
    values = -0.48 / (WALL[0] * x + WALL[1] * y + WALL[2])
    values[:, 157:163] = 0.57
    values *= 1 + noise * np.random.default_rng(0).normal(size=values.shape)
    if holes:
        values[np.random.default_rng(1).random(values.shape) < 0.5] = np.nan
    return DepthImage(values.astype(np.float32), 'camera', 0)


def _degrees(normal):
    return np.degrees(np.arccos(normal @ WALL))


@pytest.mark.parametrize('local', [None, [0.0, 0.0, -1.0], [0.8, 0.0, -0.6]])
def test_a_rod_moves_along_the_normal_of_the_wall(local):
    surface = ROD if local is None else replace(ROD, normal=np.array(local))
    normal = motion_normal(surface, PEAK, _depth(), CALIBRATION, SurfaceSettings())
    assert _degrees(normal) < 0.5


def test_noise_and_holes_change_little():
    depth = _depth(noise=0.01, holes=True)
    normal = motion_normal(ROD, PEAK, depth, CALIBRATION, SurfaceSettings(noise=0.01))
    assert _degrees(normal) < 5


def test_a_depth_image_of_half_the_size():
    small = DepthImage(np.ascontiguousarray(_depth().values[::2, ::2]), 'camera', 0)
    assert _degrees(motion_normal(ROD, PEAK, small, CALIBRATION, SurfaceSettings())) < 1


def test_a_surface_across_the_wall_keeps_its_own_normal():
    side = replace(ROD, normal=np.array([-0.8, 0.0, -0.6]))
    normal = motion_normal(side, PEAK, _depth(), CALIBRATION, SurfaceSettings())
    np.testing.assert_array_equal(normal, [-0.8, 0.0, -0.6])


def test_without_depth_around_the_surface_counts():
    nothing = DepthImage(np.full((240, 320), np.nan, np.float32), 'camera', 0)
    local = replace(ROD, normal=np.array([0.0, 0.0, -1.0]))
    assert motion_normal(ROD, PEAK, nothing, CALIBRATION, SurfaceSettings()) is None
    np.testing.assert_array_equal(
        motion_normal(local, PEAK, nothing, CALIBRATION, SurfaceSettings()), [0, 0, -1]
    )


def test_an_unknown_point_has_no_motion():
    unknown = SurfacePoint.unknown('a hole')
    assert motion_normal(unknown, PEAK, _depth(), CALIBRATION, SurfaceSettings()) is None
