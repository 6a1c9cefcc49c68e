# SPDX-License-Identifier: Apache-2.0
"""The time that a goal has taken, by two clocks."""

from __future__ import annotations

import pytest

from afformer_ros.grounding.actions.goal_clock import GoalClock


@pytest.mark.parametrize(
    ('begin', 'steps', 'expected'),
    [
        pytest.param(100.0, [(2.0, 0.5), (3.0, 0.5)], [2.0, 5.0], id='clock of the node'),
        pytest.param(100.0, [(0.1, 1.0)] * 3, [0.1, 0.2, 0.3], id='slow clock'),
        pytest.param(100.0, [(2.0, 2.0), (0, 1.5), (0, 1.5)], [2.0, 2.0, 3.0], id='stands still'),
        pytest.param(100.0, [(0, 7.0), (0.5, 0.5)], [7.0, 0.5], id='a pause that is over'),
        pytest.param(100.0, [(2.0, 2.0), (-60.0, 0.1), (1.0, 1.0)], [2.0, 2.0, 3.0], id='back'),
        pytest.param(0.0, [(1000.0, 0.1), (1.0, 1.0)], [0.0, 1.0], id='first message of a clock'),
    ],
)
def test_time_passes_by_the_clock_of_the_node_or_while_it_stands_still(begin, steps, expected):
    node, steady = begin, 50.0
    goal_clock = GoalClock(lambda: round(node * 1e9), lambda: steady)
    elapsed = []
    for node_step, steady_step in steps:
        node += node_step
        steady += steady_step
        elapsed.append(goal_clock.elapsed())
    assert elapsed == pytest.approx(expected)


def test_it_begins_again():
    node = 100.0
    goal_clock = GoalClock(lambda: round(node * 1e9), lambda: 50.0)
    node = 102.0
    assert goal_clock.elapsed() == pytest.approx(2.0)
    goal_clock.restart()
    node = 102.5
    assert goal_clock.elapsed() == pytest.approx(0.5)
