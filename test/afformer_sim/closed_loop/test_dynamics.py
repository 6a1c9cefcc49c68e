# SPDX-License-Identifier: Apache-2.0
"""Where elements are when a robot comes, when one counts as operated, and judged attempts."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_sim.bodies.element import Element, Fingertip, Front, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import at
from afformer_sim.closed_loop.dynamics import Mechanism, Task, initial_states, mechanisms
from afformer_sim.closed_loop.trial import AttemptOutcome, AttemptVerdict, Watch, judge

TIP = (Fingertip(0.01, 0.01, 0.008),)
OUT = Joint((0.0, 0.0, 1.0))
UP = Joint((0.0, 1.0, 0.0))
ABOUT = Joint((0.0, 0.0, 1.0), hinge=True)
NEAR, FAR = (0.0, 0.015), (0.07, 0.1)
LOW, HIGH = (0.0, 0.0), (0.06, 0.14)
USES = {
    'drawer': (
        Use('pull', TIP, OUT, NEAR, FAR),
        Use('push', TIP, OUT, FAR, NEAR),
        Use('hold', TIP),
    ),
    'knob': (Use('rotate', TIP, ABOUT, (0.45, 0.8), (-0.8, -0.45)), Use('touch', TIP)),
    'mug': (
        Use('pick up', TIP, UP, LOW, HIGH),
        Use('put down', TIP, UP, HIGH, LOW),
        Use('hold', TIP),
    ),
    'button': tuple(Use(name, TIP, OUT, after=(-0.006, -0.004)) for name in ('touch', 'hold')),
}


def pair(kind: str) -> Fixture:
    """Two of a kind."""
    front = Front((0.0, 0.0, 0.008), 0.01, 0.01)
    element = Element(kind, at(0, 0, 0), (), np.zeros((1, 3)), front, USES[kind])
    return Fixture('test', (element, element), (), bottom=-0.15, back=-0.1)


def mechanism(action: str) -> Mechanism:
    """Of the first object that affords the action."""
    uses = (use for kind in USES.values() for use in kind)
    return Mechanism(next(use for use in uses if use.action == action), 0.0)


def test_what_is_pushed_is_found_halfway_out_and_so_are_its_lookalikes() -> None:
    states = initial_states(pair('drawer'), Task(0, 'push'))
    assert sorted(states) == [0, 1]
    np.testing.assert_allclose([state.position[2] for state in states.values()], 0.04625)


@pytest.mark.parametrize(
    ('kind', 'action'),
    [('drawer', 'pull'), ('knob', 'rotate'), ('mug', 'put down'), ('button', 'hold')],
)
def test_everything_else_is_found_at_rest(kind: str, action: str) -> None:
    assert initial_states(pair(kind), Task(0, action)) == {}


def test_the_goal_is_the_least_that_a_demonstration_does() -> None:
    drawers = mechanisms(pair('drawer'), Task(0, 'push'))
    assert drawers[0].goal == 0.015
    assert mechanism('pull').goal == 0.07
    assert mechanism('put down').goal == 0.06


@pytest.mark.parametrize(
    ('action', 'last', 'farthest', 'seconds', 'operated'),
    [
        ('pull', 0.51, 0.51, 0.0, True),
        ('pull', 0.49, 1.0, 0.0, False),
        ('pick up', 0.8, 0.9, 0.0, True),
        ('put down', 0.1, 0.9, 0.0, True),
        ('put down', 0.9, 0.9, 0.0, False),
        ('put down', 0.0, 0.4, 0.0, False),
        ('touch', 0.0, 1.0, 0.05, True),
        ('touch', 1.0, 1.0, 0.05, False),
        ('hold', 0.0, 1.0, 0.4, False),
        ('hold', 0.0, 1.0, 0.51, True),
    ],
)
def test_operated(
    action: str, last: float, farthest: float, seconds: float, operated: bool
) -> None:
    assert mechanism(action).operated(last, farthest, seconds) == operated


def test_a_bump_does_not_disturb_but_a_quarter_of_the_way_does() -> None:
    assert not mechanism('pull').disturbed(0.2, 1.0)
    assert mechanism('pull').disturbed(0.3, 0.01)
    assert mechanism('pull').disturbed(-0.3, 0.01)


def test_an_action_that_the_element_does_not_afford_is_refused() -> None:
    with pytest.raises(ValueError, match='not pick up'):
        mechanisms(pair('knob'), Task(0, 'pick up'))


@pytest.mark.parametrize(
    ('kind', 'action', 'contacts', 'watch', 'outcome'),
    [
        ('drawer', 'pull', [0], {'last': 0.6}, AttemptOutcome(AttemptVerdict.DONE, 0)),
        # The edge of the panel first, which is harmless.
        ('drawer', 'pull', [-1, 0], {'last': 0.6}, AttemptOutcome(AttemptVerdict.DONE, 0)),
        ('drawer', 'pull', [0], {'last': 0.4}, AttemptOutcome(AttemptVerdict.NOT_DONE, 0)),
        ('drawer', 'pull', [], {}, AttemptOutcome(AttemptVerdict.NOTHING)),
        ('drawer', 'pull', [-1], {}, AttemptOutcome(AttemptVerdict.FIXED_PART)),
        ('drawer', 'pull', [1, 0], {}, AttemptOutcome(AttemptVerdict.WRONG_ELEMENT, 1)),
        (
            'drawer',
            'pull',
            [0],
            {'last': 0.6, 'other': 0.3},
            AttemptOutcome(AttemptVerdict.WRONG_ELEMENT, 0, (1,)),
        ),
        # A button is done by time behind its point of action, a fixed element by that of contact.
        ('button', 'touch', [0], {'pressed': 0.05}, AttemptOutcome(AttemptVerdict.DONE, 0)),
        ('button', 'touch', [0], {'contact': 0.05}, AttemptOutcome(AttemptVerdict.NOT_DONE, 0)),
        ('drawer', 'hold', [0], {'contact': 0.6}, AttemptOutcome(AttemptVerdict.DONE, 0)),
        ('drawer', 'hold', [0], {'pressed': 0.6}, AttemptOutcome(AttemptVerdict.NOT_DONE, 0)),
    ],
)
def test_an_attempt_is_judged_by_contacts_and_motion(
    kind: str, action: str, contacts: list[int], watch: dict[str, float], outcome: AttemptOutcome
) -> None:
    task, seen = Task(0, action), Watch(*np.zeros((4, 2)))
    for name in ('contact', 'pressed', 'last'):
        getattr(seen, name)[0] = watch.get(name, 0.0)
    seen.farthest = np.array([watch.get('last', 0.0), watch.get('other', 0.0)])

    judged = judge(task, mechanisms(pair(kind), task), contacts, seen)

    assert judged == outcome
    assert judged.done == (outcome.verdict is AttemptVerdict.DONE)
