# SPDX-License-Identifier: Apache-2.0
"""Motions of and approaches to a surface whose normal is (0, 0.6, -0.8), and motions of a rod."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.geometry.approach import ApproachSource, approach_to
from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.motion import (
    UNKNOWN_VERTICAL,
    MotionType,
    PartMotion,
    Vertical,
    motion_normal,
    point_motion,
)
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.runtime.demonstration import Sense, ShownRotation
from afformer_core.runtime.peaks import Peak

SURFACE = SurfacePoint(np.array([0.1, 0.2, 0.7]), np.eye(3) * 1e-6, np.array([0.0, 0.6, -0.8]), '')
BARE = SurfacePoint(SURFACE.position, SURFACE.covariance, None, '')
UP = Vertical(np.array([0.0, -1.0, 0.0]), '')
NOT_SEEN = ShownRotation.unknown('nothing turns')
CLOCKWISE = ShownRotation(Sense.CLOCKWISE, '')
COUNTERCLOCKWISE = ShownRotation(Sense.COUNTERCLOCKWISE, '')


@pytest.mark.parametrize(
    ('action', 'kind', 'direction'),
    [
        ('touch', MotionType.STILL, [0, -0.6, 0.8]),
        ('hold', MotionType.STILL, [0, -0.6, 0.8]),
        ('push', MotionType.TRANSLATION, [0, -0.6, 0.8]),
        ('press', MotionType.TRANSLATION, [0, -0.6, 0.8]),
        ('pull', MotionType.TRANSLATION, [0, 0.6, -0.8]),
        ('pick up', MotionType.TRANSLATION, [0, -1, 0]),
        ('pick_up', MotionType.TRANSLATION, [0, -1, 0]),
        ('put down', MotionType.TRANSLATION, [0, 1, 0]),
    ],
)
def test_the_direction_of_a_motion(action, kind, direction):
    motion = point_motion(action, SURFACE, UP, NOT_SEEN)
    assert (motion.type, motion.problem) == (kind, '')
    np.testing.assert_allclose(motion.direction, direction)


@pytest.mark.parametrize(
    ('action', 'rotation', 'axis'),
    [
        # Clockwise for the camera: by the right-hand rule about the direction into the surface.
        ('rotate', CLOCKWISE, [0, -0.6, 0.8]),
        ('rotate', COUNTERCLOCKWISE, [0, 0.6, -0.8]),
        ('turn_clockwise', NOT_SEEN, [0, -0.6, 0.8]),
        ('Turn Counter-Clockwise', CLOCKWISE, [0, 0.6, -0.8]),
        ('twist anticlockwise', CLOCKWISE, [0, 0.6, -0.8]),
    ],
)
def test_the_axis_of_a_rotation(action, rotation, axis):
    motion = point_motion(action, SURFACE, UP, rotation)
    assert (motion.type, motion.problem) == (MotionType.ROTATION, '')
    np.testing.assert_allclose(motion.direction, axis)


@pytest.mark.parametrize(
    ('action', 'surface', 'vertical', 'problem'),
    [
        ('rotate', SURFACE, UP, 'nothing turns'),
        ('pull', BARE, UP, 'the normal of the surface is not known'),
        ('pick up', SURFACE, UNKNOWN_VERTICAL, 'set vertical_frame'),
        ('pick up', SurfacePoint.unknown('a hole'), UP, 'a hole'),
        ('open', SURFACE, UP, "the motion of the action 'open' is not known"),
        ('turn on', SURFACE, UP, "the motion of the action 'turn on' is not known"),
        ('', SURFACE, UP, 'the model has no actions'),
    ],
)
def test_a_motion_that_is_unknown_says_why(action, surface, vertical, problem):
    motion = point_motion(action, surface, vertical, NOT_SEEN)
    assert (motion.type, motion.direction) == (MotionType.STILL, None)
    assert problem in motion.problem


def test_gravity_is_enough_to_pick_up():
    motion = point_motion('pick up', BARE, UP, NOT_SEEN)
    np.testing.assert_array_equal(motion.direction, [0, -1, 0])


MATRIX = np.array([[300.0, 0, 159.5], [0, 300.0, 119.5], [0, 0, 1]])
CALIBRATION = Calibration(320, 240, MATRIX, '', (), (0.0, 0.0), 'camera')
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
    normal = motion_normal(surface, PEAK, _depth(), CALIBRATION, DepthSettings())
    assert _degrees(normal) < 0.5


def test_noise_and_holes_change_little():
    depth = _depth(noise=0.01, holes=True)
    normal = motion_normal(ROD, PEAK, depth, CALIBRATION, DepthSettings(depth_noise=0.01))
    assert _degrees(normal) < 5


def test_a_depth_image_of_half_the_size():
    small = DepthImage(np.ascontiguousarray(_depth().values[::2, ::2]), 'camera', 0)
    assert _degrees(motion_normal(ROD, PEAK, small, CALIBRATION, DepthSettings())) < 1


def test_a_surface_across_the_wall_keeps_its_own_normal():
    side = replace(ROD, normal=np.array([-0.8, 0.0, -0.6]))
    normal = motion_normal(side, PEAK, _depth(), CALIBRATION, DepthSettings())
    np.testing.assert_array_equal(normal, [-0.8, 0.0, -0.6])


def test_without_depth_around_the_surface_counts():
    nothing = DepthImage(np.full((240, 320), np.nan, np.float32), 'camera', 0)
    local = replace(ROD, normal=np.array([0.0, 0.0, -1.0]))
    assert motion_normal(ROD, PEAK, nothing, CALIBRATION, DepthSettings()) is None
    np.testing.assert_array_equal(
        motion_normal(local, PEAK, nothing, CALIBRATION, DepthSettings()), [0, 0, -1]
    )


def test_an_unknown_point_has_no_motion():
    unknown = SurfacePoint.unknown('a hole')
    assert motion_normal(unknown, PEAK, _depth(), CALIBRATION, DepthSettings()) is None


# Along (0.36, 0.48, 0.8).
SIGHT = np.array([0.54, 0.72, 1.2])
UNKNOWN = PartMotion.unknown('nothing moves')


def along(*axis: float) -> PartMotion:
    return PartMotion(MotionType.TRANSLATION, np.array(axis), '')


@pytest.mark.parametrize(
    ('surface', 'action', 'motion', 'source', 'direction'),
    [
        (SURFACE, 'pull', along(0.6, 0, -0.8), ApproachSource.NORMAL, [0, -0.6, 0.8]),
        (BARE, 'pull', along(0.6, 0, -0.8), ApproachSource.MOTION, [-0.6, 0, 0.8]),
        (BARE, 'push', along(-0.6, 0, 0.8), ApproachSource.MOTION, [-0.6, 0, 0.8]),
        (BARE, 'rotate', along(0, 0.28, -0.96), ApproachSource.MOTION, [0, -0.28, 0.96]),
        (BARE, 'Pick_up', along(0, -1, 0), ApproachSource.LINE_OF_SIGHT, [0.36, 0.48, 0.8]),
        (BARE, 'put down', along(0, 1, 0), ApproachSource.LINE_OF_SIGHT, [0.36, 0.48, 0.8]),
        (BARE, 'pull', UNKNOWN, ApproachSource.LINE_OF_SIGHT, [0.36, 0.48, 0.8]),
    ],
)
def test_an_approach_is_away_from_the_camera(surface, action, motion, source, direction):
    approach = approach_to(surface, action, motion, SIGHT)
    assert approach.source == source
    np.testing.assert_allclose(approach.direction, direction, atol=1e-12)


def test_a_point_without_a_position_has_none():
    approach = approach_to(SurfacePoint.unknown('a hole'), 'pull', UNKNOWN, SIGHT)
    assert (approach.source, approach.direction) == (ApproachSource.UNKNOWN, None)
