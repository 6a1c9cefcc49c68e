# SPDX-License-Identifier: Apache-2.0
"""Outlines of hulls, and where annotators touch a front."""

import math

import cv2
import numpy as np
import pytest

from afformer_sim.bodies.element import Element, Front, Use
from afformer_sim.bodies.grip import Fingertip
from afformer_sim.bodies.pose import Pose, turned
from afformer_sim.bodies.solid import Solid, SolidShape
from afformer_sim.cameras.camera import look_at
from afformer_sim.scene.outline import front_centre, front_points, project_outline

SIZE = (200, 100)


@pytest.fixture
def element() -> Element:
    """A box of 20 x 10 x 2 cm, on its side, whose front is 4 cm wide at one of its ends."""
    box = Solid(SolidShape.BOX, (0.1, 0.05, 0.01), (0.5, 0.5, 0.5))
    pose = Pose(np.array([0.2, 0.0, 0.0]), turned((0, 0, 1), math.pi / 2))
    use = Use('touch', (Fingertip(0.02, 0.05, 0.01),))
    return Element('box', pose, (box,), box.corners(), Front((0.08, 0, 0.01), 0.02, 0.05), (use,))


def test_an_outline_is_the_hull_of_what_is_seen(element: Element) -> None:
    camera = look_at(np.array([0.0, 0.0, 1.01]), np.zeros(3), 0.0, 90.0)
    outline = project_outline(element, camera, SIZE)
    # its near face is 1 m away, where a metre has 50 pixels
    np.testing.assert_allclose(outline.max(axis=0), [99.5 + 12.5, 49.5 + 5], atol=1e-4)
    np.testing.assert_allclose(outline[:, 1].min(), 49.5 - 5, atol=1e-4)
    area = cv2.contourArea(outline.astype(np.float32))
    assert area == pytest.approx(50, rel=0.03)


def test_annotators_touch_the_front_and_mostly_its_middle(element: Element) -> None:
    points = front_points(element, 500, 0.35, np.random.default_rng(0))
    np.testing.assert_allclose(front_centre(element), [0.2, 0.08, 0.01], atol=1e-12)
    offset = (points - [0.2, 0.08, 0.01]) / [0.05, 0.02, 1]
    np.testing.assert_allclose(offset[:, 2], 0, atol=1e-12)
    # on round fronts too
    assert np.linalg.norm(offset, axis=1).max() <= 0.9 + 1e-9
    np.testing.assert_allclose(offset[:, :2].std(axis=0), 0.35, atol=0.03)
    np.testing.assert_allclose(offset.mean(axis=0), 0, atol=0.05)
