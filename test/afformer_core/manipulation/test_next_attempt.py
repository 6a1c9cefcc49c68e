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
    assert ways([knob], tried(knob)) == ['in the other sense', 'with a firmer grip']
    first = next(next_attempts([knob], [tried(knob)], compliant=True))
    assert first.contact.motion == pytest.approx(-AXIS)
    assert first.found is knob


def test_a_knob_whose_sense_is_not_known_was_turned_in_both() -> None:
    knob = contact('rotate')
    assert ways([knob], tried(knob)) == ['with a firmer grip']
    assert next(next_attempts([knob], [tried(knob)], compliant=True)).contact.pressing == 0.012


def test_a_drawer_is_pulled_along_the_normal_of_its_surface_last() -> None:
    drawer = contact('pull', motion=np.array([-1.0, 0.0, 0.0]))
    firmer = tried(drawer, 'with a firmer grip', MOVED)
    assert ways([drawer], tried(drawer), firmer) == ['along the normal of the surface']
    last = next(next_attempts([drawer], [tried(drawer), firmer], compliant=True)).contact
    assert last.outwards == pytest.approx(NORMAL)


def test_a_drawer_that_resists_is_pulled_with_more_force() -> None:
    drawer = contact('pull')
    assert ways([drawer], tried(drawer)) == ['with more force', 'with a firmer grip']
    assert next(next_attempts([drawer], [tried(drawer)], compliant=True)).contact.lead == 0.005
    # A hand that came away without the drawer slipped off.
    assert ways([drawer], tried(drawer, felt=MOVED)) == ['with a firmer grip']


def test_an_arm_that_does_not_give_way_neither_presses_nor_pulls_harder() -> None:
    drawer = contact('pull', motion=np.array([-1.0, 0.0, 0.0]))
    left = ways([drawer], tried(drawer), compliant=False)
    assert left == ['along the normal of the surface']


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
    ],
)
def test_only_what_changed_nothing_is_tried_again(
    action: str, felt: Felt, seen: Seen, again: bool
) -> None:
    assert may_try_again(tried(contact(action), '', felt, seen)) is again
