# SPDX-License-Identifier: Apache-2.0
"""Boxes of what is seen, and where annotators mark it."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_sim.scene.demonstration import plan_demonstration
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.visibility import box_of, element_box, hand_box, points_seen


def test_points_beside_an_element_go_to_its_nearest_pixel_inside() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:10, 10:20] = True
    points = np.array([[12.4, 7.2], [14.0, 1.0], [25.0, 9.0], [-3.0, 40.0]])

    moved = points_seen(points, mask)

    assert moved.tolist() == [[12.4, 7.2], [14.0, 6.0], [18.0, 8.0], [11.0, 8.0]]
    # An element of one row has no pixel inside.
    mask[:9] = False
    assert points_seen(np.array([[25.0, 4.0]]), mask).tolist() == [[19.0, 9.0]]


def test_boxes_are_of_what_is_seen() -> None:
    scene = Scene(8, 'keypad')
    demonstration = plan_demonstration(scene, 0, size=(96, 72), action='touch')
    middle = (demonstration.motion.start + demonstration.motion.end) / 2
    capsules = demonstration.capsules(scene.fixture, middle)
    with Renderer(scene, demonstration.view.size) as renderer:
        found = hand_box(renderer, demonstration, middle, capsules)
        box_of_contact = element_box(renderer, demonstration, middle)
        behind = [
            replace(one, start=one.start - [0, 0, 9], end=one.end - [0, 0, 9]) for one in capsules
        ]
        assert hand_box(renderer, demonstration, middle, behind) is None
    assert found is not None
    assert box_of_contact is not None
    view = replace(demonstration.view, camera=demonstration.camera(middle))
    # fingertips are where the capsules of the last bones end
    tips = view.pixels(np.array([capsules[3 * finger + 2].end for finger in range(5)]))
    tips = tips.clip(0, np.array(view.size) - 1)
    assert (tips >= np.array([found.left, found.top]) - 1.5).all()
    assert (tips <= np.array([found.right, found.bottom]) + 1.5).all()
    outline = view.outline(scene.fixture, 0)
    assert box_of_contact.left == pytest.approx(outline[:, 0].min(), abs=2.5)
    assert box_of_contact.bottom == pytest.approx(outline[:, 1].max(), abs=2.5)


def test_a_mask_of_hardly_any_pixels_has_no_box() -> None:
    mask = np.zeros((5, 9), bool)
    mask[1:3, 4:6] = True
    assert box_of(mask) is None
    mask[1:4, 4:8] = True
    box = box_of(mask)
    assert box is not None
    assert (box.left, box.top, box.right, box.bottom) == (4, 1, 7, 3)
    assert not box.reaches_border((9, 5))
    assert box.reaches_border((8, 5))
