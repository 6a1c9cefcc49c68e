# SPDX-License-Identifier: Apache-2.0
"""Approaches to a surface whose normal is (0, 0.6, -0.8), seen along (0.36, 0.48, 0.8)."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.geometry.approach import ApproachSource, approach_to
from afformer_core.geometry.motion import MotionType, PartMotion
from afformer_core.geometry.surface import SurfacePoint

SIGHT = np.array([0.54, 0.72, 1.2])
SURFACE = SurfacePoint(np.array([1.1, 0.2, 0.7]), np.eye(3), np.array([0.0, 0.6, -0.8]), '')
BARE = replace(SURFACE, normal=None)
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
