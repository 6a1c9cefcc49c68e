# SPDX-License-Identifier: Apache-2.0
"""Shots: when the hand comes, touches and leaves, and what stays as it was left."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_sim.scene.demonstration import SimulatedDemonstration, plan_demonstration
from afformer_sim.scene.footage import Shot, in_one_room
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.visibility import HAND_CAPSULES, box_of, element_box, hand_box

SCENE = Scene(8, 'keypad')


@pytest.fixture(scope='module')
def demonstration() -> SimulatedDemonstration:
    return plan_demonstration(SCENE, 0, size=(96, 72), action='touch')


def moved(demonstration: SimulatedDemonstration, start: float, end: float) -> Shot:
    motion = replace(demonstration.motion, start=start, end=end)
    return Shot(
        SCENE, replace(demonstration, motion=motion), before=8, action=10, after=8, rate=4.0
    )


def test_the_hand_is_away_but_for_half_a_second_about_the_action(
    demonstration: SimulatedDemonstration,
) -> None:
    shot = moved(demonstration, 0.4, 0.6)
    seen = [bool(shot.hand(frame)) for frame in range(shot.frames)]
    assert seen == [False] * 6 + [True] * 14 + [False] * 6
    assert shot.contact == (12, 13)


def test_the_hand_comes_along_its_arm(demonstration: SimulatedDemonstration) -> None:
    shot = moved(demonstration, 0.4, 0.6)
    arm = shot.demonstration.capsules(SCENE.fixture, 0.0)[HAND_CAPSULES]
    along = (arm.end - arm.start) / np.linalg.norm(arm.end - arm.start)
    first, second = (shot.hand(frame)[0].start for frame in (6, 7))
    begin = shot.demonstration.capsules(SCENE.fixture, 0.0)[0].start
    np.testing.assert_allclose((first - begin) / np.linalg.norm(first - begin), along, atol=1e-9)
    assert np.linalg.norm(first - begin) == pytest.approx(0.7)
    assert np.linalg.norm(second - begin) == pytest.approx(0.35)


def test_what_is_held_at_the_end_is_held_while_the_shot_lasts(
    demonstration: SimulatedDemonstration,
) -> None:
    shot = moved(demonstration, 0.4, 1.02)
    assert shot.contact == (12, 25)
    assert all(shot.hand(frame) for frame in range(18, 26))
    last, end = shot.hand(25), shot.demonstration.capsules(SCENE.fixture, 1.0)
    np.testing.assert_array_equal(last[0].start, end[0].start)


def test_what_was_moved_for_good_stays_so_in_the_same_room() -> None:
    scene = Scene(4, 'drawers')
    kinds = [element.actions for element in scene.fixture.elements]
    pulled = next(index for index, actions in enumerate(kinds) if 'pull' in actions)
    demonstrations = [
        plan_demonstration(scene, pulled, size=(96, 72), action='pull'),
        plan_demonstration(scene, pulled, size=(96, 72), action='touch', performance=1),
    ]
    first, second = in_one_room(demonstrations)
    end = first.motion.displacement(1.0)
    np.testing.assert_array_equal(second.view.states[pulled].position, end.position)
    assert first.view.surroundings is second.view.surroundings
    assert first.view.sensor is second.view.sensor
    assert first.hand.colour == second.hand.colour
    assert second.view.camera is demonstrations[1].view.camera


def test_boxes_are_of_what_is_seen(demonstration: SimulatedDemonstration) -> None:
    middle = (demonstration.motion.start + demonstration.motion.end) / 2
    capsules = demonstration.capsules(SCENE.fixture, middle)
    with Renderer(SCENE, demonstration.view.size) as renderer:
        found = hand_box(renderer, demonstration, middle, capsules)
        box_of_contact = element_box(renderer, demonstration, middle)
        behind = [
            replace(one, start=one.start - [0, 0, 9], end=one.end - [0, 0, 9]) for one in capsules
        ]
        assert hand_box(renderer, demonstration, middle, behind) is None
    assert found is not None
    assert box_of_contact is not None
    outline = replace(demonstration.view, camera=demonstration.camera(middle)).outline(
        SCENE.fixture, 0
    )
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


def test_a_shot_without_a_demonstration_is_refused(demonstration: SimulatedDemonstration) -> None:
    with pytest.raises(ValueError, match='none may be negative'):
        Shot(SCENE, demonstration, before=3, action=0, after=3, rate=4.0)
