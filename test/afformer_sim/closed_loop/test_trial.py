# SPDX-License-Identifier: Apache-2.0
"""A finger that goes to a point and acts: what counts as success, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_sim.bodies.pose import STILL
from afformer_sim.closed_loop.mechanism import Task, initial_states
from afformer_sim.closed_loop.trial import AttemptOutcome, AttemptVerdict, Bench
from afformer_sim.scene.outline import front_centre

from .bench_elements import pair

OUTWARD = np.array([0.0, 0.0, 1.0])
ROBOT = np.array([0.1, 0.3, 0.7])
DONE = AttemptOutcome(AttemptVerdict.DONE, 0)
EVERY_USE = [
    ('button', 'touch'),
    ('button', 'hold'),
    ('drawer', 'pull'),
    ('drawer', 'push'),
    ('drawer', 'hold'),
    ('knob', 'rotate'),
    ('knob', 'touch'),
    ('mug', 'pick up'),
    ('mug', 'put down'),
    ('mug', 'hold'),
    ('door', 'pull'),
    ('door', 'push'),
]


def attempt(
    kind: str,
    action: str,
    aside: tuple[float, float, float] = (0.0, 0.0, 0.0),
    *,
    normal: np.ndarray = OUTWARD,
    acted: str | None = None,
) -> AttemptOutcome:
    """The finger goes to the middle of the first element's front, moved by `aside`."""
    fixture, task = pair(kind, 0.25), Task(0, action)
    state = initial_states(fixture, task).get(0, STILL)
    point = front_centre(fixture.elements[0], state) + np.array(aside)
    return Bench(fixture, task).attempt(point, normal, acted or action, ROBOT)


@pytest.mark.parametrize(('kind', 'action'), EVERY_USE)
def test_the_true_point_and_normal_succeed(kind: str, action: str) -> None:
    assert attempt(kind, action) == DONE


@pytest.mark.parametrize(('kind', 'action'), EVERY_USE)
def test_the_same_point_of_the_neighbour_fails(kind: str, action: str) -> None:
    assert attempt(kind, action, (0.25, 0, 0)) == AttemptOutcome(
        AttemptVerdict.WRONG_ELEMENT, 1, (1,)
    )


@pytest.mark.parametrize(
    ('kind', 'action', 'aside', 'outcome'),
    [
        # Beside a button there is only the panel; its edge will do.
        ('button', 'touch', (0.015, 0, 0), AttemptOutcome(AttemptVerdict.FIXED_PART)),
        ('button', 'hold', (0.015, 0, 0), AttemptOutcome(AttemptVerdict.FIXED_PART)),
        ('button', 'touch', (0.008, 0, 0), DONE),
        ('mug', 'hold', (0.1, 0, 0), AttemptOutcome(AttemptVerdict.NOTHING)),
        # A point a little behind or before the surface is found, one far before it is not.
        ('button', 'touch', (0, 0, -0.02), DONE),
        ('button', 'touch', (0, 0, 0.02), DONE),
        ('button', 'touch', (0, 0, 0.05), AttemptOutcome(AttemptVerdict.NOTHING)),
        # By its rim.
        ('knob', 'rotate', (0.012, -0.01, 0), DONE),
    ],
)
def test_a_point_beside_the_middle(
    kind: str, action: str, aside: tuple[float, float, float], outcome: AttemptOutcome
) -> None:
    assert attempt(kind, action, aside) == outcome


@pytest.mark.parametrize(('kind', 'action'), [('drawer', 'pull'), ('knob', 'rotate')])
def test_a_tilted_normal_is_made_up_for(kind: str, action: str) -> None:
    assert attempt(kind, action, normal=np.array([0.0, 0.5, 0.866])).done


@pytest.mark.parametrize(
    ('kind', 'action', 'acted'),
    [
        ('button', 'hold', 'touch'),
        ('drawer', 'pull', 'push'),
        ('drawer', 'push', 'pull'),
        ('knob', 'rotate', 'pull'),
        ('mug', 'pick up', 'put down'),
        ('mug', 'pick up', 'hold'),
        ('mug', 'put down', 'pick up'),
        ('drawer', 'hold', 'touch'),
    ],
)
def test_another_action_on_the_right_element_does_not_do_it(
    kind: str, action: str, acted: str
) -> None:
    assert attempt(kind, action, acted=acted) == AttemptOutcome(AttemptVerdict.NOT_DONE, 0)


def test_a_bench_begins_anew_with_each_attempt() -> None:
    fixture = pair('drawer', 0.25)
    bench = Bench(fixture, Task(0, 'pull'))
    right, wrong = (front_centre(element) for element in fixture.elements)
    outcomes = [bench.attempt(point, OUTWARD, 'pull', ROBOT) for point in (right, wrong, right)]
    assert [outcome.done for outcome in outcomes] == [True, False, True]


def test_one_press_upon_two_buttons_is_wrong() -> None:
    fixture = pair('button', 0.021)
    outcome = Bench(fixture, Task(0, 'touch')).attempt(
        np.array([0.0105, 0, 0.008]), OUTWARD, 'touch', ROBOT
    )
    assert outcome.verdict is AttemptVerdict.WRONG_ELEMENT
    assert outcome.disturbed == (1,)
