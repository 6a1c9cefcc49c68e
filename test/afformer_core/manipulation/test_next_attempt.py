# SPDX-License-Identifier: Apache-2.0
"""The order in which points and ways are tried, and what is not tried again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from afformer_core.changes.outcome import ObservedOutcome, Seen
from afformer_core.manipulation.contact import ArmContact, Felt
from afformer_core.manipulation.next_attempt import (
    Attempted,
    NextAttempt,
    may_try_again,
    next_attempts,
)

NORMAL, AXIS = np.array([-0.8, 0.0, 0.6]), np.array([0.28, 0.96, 0.0])
NOTHING = Felt('nothing stopped the tip', done=False, in_contact=False)
STUCK = Felt('touched, turned 2 degrees', done=False, in_contact=True)
LOST = Felt('held, pulled 9 cm, and lost', done=True, in_contact=True, held=False)
MOVED = Felt('touched, lifted 10 cm', done=True, in_contact=True)


def contact(action: str, x: float = 0.52, **fields: Any) -> ArmContact:
    return ArmContact(action, np.array([x, 0.17, 0.43]), NORMAL, **fields)


def tried(
    found: ArmContact, way: str = '', felt: Felt = STUCK, seen: Seen = Seen.NOT_DONE
) -> Attempted:
    observed = ObservedOutcome(seen, 0.0, 0.0, None, 2.1, seen.value)
    return Attempted(NextAttempt(found, found, way), felt, observed)


def ways(contacts: list[ArmContact], *attempts: Attempted, compliant: bool = True) -> list[str]:
    return [attempt.way for attempt in next_attempts(contacts, attempts, compliant=compliant)]


def test_a_knob_whose_sense_is_known_is_turned_in_the_other_one_next() -> None:
    knob = contact('rotate', motion=AXIS)
    assert ways([knob], tried(knob)) == ['in the other sense']
    first = next(next_attempts([knob], [tried(knob)], compliant=True))
    assert first.contact.motion == pytest.approx(-AXIS)
    assert first.found is knob
    # Without a known sense, it was turned in both.
    assert ways([contact('rotate')], tried(contact('rotate'))) == []


def test_a_drawer_that_resists_is_pulled_with_more_force_and_then_along_its_normal() -> None:
    drawer = contact('pull', motion=np.array([-1.0, 0.0, 0.0]))
    force, front = next_attempts([drawer], [tried(drawer)], compliant=True)
    assert (force.way, force.contact.lead) == ('with more force', 0.005)
    assert front.way == 'along the normal of the surface'
    assert front.contact.outwards == pytest.approx(NORMAL)
    # What came away without the drawer was not too weak.
    assert ways([drawer], tried(drawer, felt=MOVED)) == ['along the normal of the surface']


def test_an_arm_that_does_not_give_way_pulls_no_harder() -> None:
    drawer = contact('pull', motion=np.array([-1.0, 0.0, 0.0]))
    left = ways([drawer], tried(drawer), compliant=False)
    assert left == ['along the normal of the surface']


def test_a_missed_grasp_is_turned_and_then_made_deeper() -> None:
    closing = np.array([0.0, 1.0, 0.0])
    missed = Felt('the gripper closed on nothing', False, False, held=False, closing=closing)
    handle = contact('pull')
    before = [tried(handle), tried(handle, felt=missed)]
    turned, deeper = next_attempts([handle], before, compliant=True)
    assert turned.way == 'with the gripper turned by 90 degrees'
    assert np.abs(turned.contact.closing @ np.stack([closing, NORMAL], axis=1)).max() < 1e-9
    assert turned.contact.depth == 0.015
    assert deeper.way == 'with the fingers deeper'
    assert deeper.contact.closing is closing
    assert deeper.contact.depth == 0.027


def test_what_was_missed_is_approached_from_the_camera() -> None:
    button = contact('push', camera=np.array([0.12, 0.47, 0.73]), motion=AXIS)
    (other,) = next_attempts([button], [tried(button, felt=NOTHING)], compliant=True)
    assert other.way == 'along the line of sight'
    assert other.contact.outwards == pytest.approx([-0.686, 0.514, 0.514], abs=1e-3)
    assert other.contact.point == pytest.approx(button.point)


def test_without_a_camera_what_was_missed_is_left_to_the_next_point() -> None:
    first, second = contact('touch'), contact('touch', 0.61)
    assert ways([first, second], tried(first, felt=NOTHING)) == ['at the next best point']


def test_a_point_that_is_found_a_little_beside_is_the_same_one() -> None:
    assert ways([contact('hold', 0.539)], tried(contact('hold', 0.52))) == []
    beside = contact('hold', 0.541)
    assert ways([beside], tried(contact('hold', 0.52))) == ['at the next best point']


@pytest.mark.parametrize(
    ('action', 'felt', 'seen', 'again'),
    [
        ('touch', STUCK, Seen.NOT_DONE, True),
        ('touch', MOVED, Seen.NOT_DONE, False),
        ('put down', MOVED, Seen.NOT_DONE, False),
        ('pick up', MOVED, Seen.NOT_DONE, True),
        ('pull', MOVED, Seen.NOT_DONE, True),
        ('hold', NOTHING, Seen.NOT_VISIBLE, True),
        ('hold', STUCK, Seen.NOT_VISIBLE, False),
        ('pick up', MOVED, Seen.NOT_VISIBLE, False),
        ('pull', NOTHING, Seen.OTHER_CHANGED, False),
        ('pull', STUCK, Seen.DONE, False),
        ('pull', LOST, Seen.NOT_VISIBLE, True),
        ('put down', LOST, Seen.NOT_DONE, True),
        ('pull', LOST, Seen.DONE, False),
        ('pull', LOST, Seen.OTHER_CHANGED, False),
    ],
)
def test_only_what_changed_nothing_is_tried_again(
    action: str, felt: Felt, seen: Seen, again: bool
) -> None:
    assert may_try_again(tried(contact(action), '', felt, seen)) is again
