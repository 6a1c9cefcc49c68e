# SPDX-License-Identifier: Apache-2.0
"""Motions of a surface whose normal is (0, 0.6, -0.8), where up is (0, -1, 0)."""

import numpy as np
import pytest

from afformer_core.geometry.motion import (
    UNKNOWN_VERTICAL,
    MotionType,
    Vertical,
    point_motion,
)
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.runtime.grounding import Sense, ShownRotation

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
