# SPDX-License-Identifier: Apache-2.0
"""Elements: how their joints move them, what they afford, and what is none."""

import math

import numpy as np
import pytest

from afformer_sim.bodies.element import Element, Fingertip, Front, Joint, Use
from afformer_sim.bodies.solid import Pose, Solid, SolidShape, turned

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
