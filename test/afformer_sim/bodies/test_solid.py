# SPDX-License-Identifier: Apache-2.0
"""Solids: their corners, and what is none."""

import math

import numpy as np
import pytest

from afformer_sim.bodies.pose import Pose, at, turned
from afformer_sim.bodies.solid import Solid, SolidShape

RED = (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ('shape', 'size', 'half'),
    [
        (SolidShape.BOX, (0.01, 0.02, 0.03), (0.01, 0.02, 0.03)),
        (SolidShape.ELLIPSOID, (0.01, 0.02, 0.03), (0.01, 0.02, 0.03)),
        (SolidShape.CYLINDER, (0.01, 0.03), (0.01, 0.01, 0.03)),
        (SolidShape.CAPSULE, (0.01, 0.03), (0.01, 0.01, 0.04)),
    ],
)
def test_corners_reach_as_far_as_the_solid(
    shape: SolidShape, size: tuple[float, ...], half: tuple[float, float, float]
) -> None:
    corners = Solid(shape, size, RED, at(1, 2, 3)).corners() - [1, 2, 3]
    assert corners.shape[1] == 3
    np.testing.assert_allclose(corners.max(axis=0), half, rtol=1e-9)
    np.testing.assert_allclose(corners.min(axis=0), -np.array(half), rtol=1e-9)


def test_corners_turn_with_the_solid() -> None:
    lying = Pose(np.array([0.1, 0.0, 0.0]), turned((0, 1, 0), math.pi / 2))
    corners = Solid(SolidShape.CYLINDER, (0.01, 0.03), RED, lying).corners()
    np.testing.assert_allclose(corners.max(axis=0), [0.13, 0.01, 0.01])
