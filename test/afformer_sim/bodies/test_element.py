# SPDX-License-Identifier: Apache-2.0
"""Elements and the solids that they are made of: poses, corners, joints and uses."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest

from afformer_sim.bodies.element import Element, Fingertip, Front, Joint, Use
from afformer_sim.bodies.solid import Pose, Solid, SolidShape, at, facing, turned

QUARTER = Pose(np.array([1.0, 2.0, 3.0]), turned((0, 0, 1), math.pi / 2))


def test_a_pose_moves_points_and_only_turns_directions() -> None:
    points = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 5.0]])
    moved = [[1, 2, 3], [1, 3, 3], [0, 2, 8]]
    np.testing.assert_allclose(QUARTER.apply(points), moved, atol=1e-12)
    np.testing.assert_allclose(QUARTER.direct(points), np.array(moved) - [1, 2, 3], atol=1e-12)


def test_a_turn_is_counterclockwise_seen_against_its_axis() -> None:
    quarter = turned((0, 0, 2), math.pi / 2)
    np.testing.assert_allclose(quarter @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    about_skew = turned((1, 1, 1), 2 * math.pi / 3)
    np.testing.assert_allclose(about_skew @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_the_quaternion_is_that_of_the_rotation() -> None:
    pose = Pose(np.zeros(3), turned((1, -2, 0.5), 1.1))
    matrix = np.empty(9)
    mujoco.mju_quat2Mat(matrix, pose.quaternion)
    np.testing.assert_allclose(matrix.reshape(3, 3), pose.rotation, atol=1e-12)


def test_a_frame_that_faces_outwards_has_its_y_axis_as_upward_as_may_be() -> None:
    rotation = facing((1, 0, 1), (0, 1, 0))
    np.testing.assert_allclose(rotation[:, 2], np.array([1, 0, 1]) / math.sqrt(2))
    np.testing.assert_allclose(rotation[:, 1], [0, 1, 0])
    # on something operated from above, the fingers point away from the user
    lid = facing((0, 1, 0), (0, 0.3, -1))
    np.testing.assert_allclose(lid, np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]), atol=1e-12)
    assert np.linalg.det(lid) == pytest.approx(1)


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


TIP = Fingertip(0.01, 0.01, 0.005)
DOOR = Joint((0.0, 1.0, 0.0), hinge=True, pivot=(-0.2, 0.0, 0.0))


@pytest.fixture
def element() -> Element:
    """A plate of 4 x 4 cm, 10 cm right of the middle, that is turned so that its top is left."""
    return Element(
        'plate',
        Pose(np.array([0.1, 0.0, 0.0]), turned((0, 0, 1), math.pi / 2)),
        (Solid(SolidShape.BOX, (0.02, 0.02, 0.005), (0.5, 0.5, 0.5)),),
        Solid(SolidShape.BOX, (0.02, 0.02, 0.005), (0.5, 0.5, 0.5)).corners(),
        Front((0, 0, 0.005), 0.02, 0.02),
        (Use('touch', (TIP,)), Use('push', (TIP,), Joint((0.0, 1.0, 0.0)), after=(0.03, 0.05))),
    )


def test_a_slide_moves_along_its_axis_without_a_turn() -> None:
    displacement = Joint((0.0, 0.6, 0.8)).displacement(0.1)
    np.testing.assert_allclose(displacement.position, [0, 0.06, 0.08])
    np.testing.assert_array_equal(displacement.rotation, np.eye(3))


def test_a_hinge_turns_about_its_pivot() -> None:
    displacement = DOOR.displacement(math.pi / 2)
    moved = displacement.apply(np.array([[-0.2, 0.3, 0.0], [0.2, 0.0, 0.0]]))
    np.testing.assert_allclose(moved, [[-0.2, 0.3, 0.0], [-0.2, 0.0, -0.4]], atol=1e-12)


def test_a_displacement_is_in_the_frame_of_the_element(element: Element) -> None:
    joint = element.use('push').joint
    assert joint is not None
    placed = element.placed(joint.displacement(0.04))
    # its own y axis points to the left
    np.testing.assert_allclose(placed.position, [0.06, 0, 0], atol=1e-12)
    np.testing.assert_allclose(placed.rotation, element.pose.rotation)
    np.testing.assert_array_equal(element.placed().position, element.pose.position)


def test_an_element_tells_what_it_affords(element: Element) -> None:
    assert element.actions == ('touch', 'push')
    assert element.use('push') is element.uses[1]
    with pytest.raises(ValueError, match=r"a plate affords \('touch', 'push'\), not pull"):
        element.use('pull')
