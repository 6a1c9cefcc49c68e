# SPDX-License-Identifier: Apache-2.0
"""Where elements are when a robot comes, and when one counts as operated."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_sim.closed_loop.dynamics import (
    Mechanism,
    Task,
    initial_states,
    mechanisms,
)

from .bench_elements import USES, pair


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
