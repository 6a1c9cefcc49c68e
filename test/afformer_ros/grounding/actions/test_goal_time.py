# SPDX-License-Identifier: Apache-2.0
"""The time that a goal has taken, by two clocks, and images that are too old for it."""

from __future__ import annotations

import pytest

from afformer_ros.grounding.actions.goal_time import GoalClock, age_problem

NOW = 1_700_000_000_400_000_000


@pytest.mark.parametrize('milliseconds', [-500, -3, 0, 120, 500])
def test_an_image_of_about_now_counts(milliseconds):
    assert age_problem(NOW - milliseconds * 1_000_000, NOW, 0.5) == ''


@pytest.mark.parametrize(
    ('age', 'problem'),
    [
        (2.31, 'it was 2.31 s old; expected at most 0.5 s'),
        (0.51, 'it was 0.51 s old; expected at most 0.5 s'),
        (
            -0.75,
            'its stamp is 0.75 s ahead of the clock of the node; expected at most 0.5 s. '
            'Synchronize the clocks',
        ),
        (
            4000.0,
            'its stamp is 4000 s behind the clock of the node; expected at most 0.5 s. Set '
            'use_sim_time if a bag or a simulator provides the time, or maximum_image_age to 0',
        ),
        (
            -4000.0,
            'its stamp is 4000 s ahead of the clock of the node; expected at most 0.5 s. Set '
            'use_sim_time if a bag or a simulator provides the time, or maximum_image_age to 0',
        ),
    ],
)
def test_an_image_of_another_time_does_not_count(age, problem):
    assert age_problem(NOW - round(age * 1e9), NOW, 0.5) == problem


def test_an_image_without_a_stamp_does_not_count():
    assert age_problem(0, NOW, 0.5).startswith('it has no stamp, so')


def test_nothing_counts_before_simulated_time_begins():
    assert age_problem(12_000_000_000, 0, 0.5).startswith('no message has arrived on /clock')


@pytest.mark.parametrize('stamp', [0, 12_000_000_000, NOW + 60_000_000_000])
def test_any_age_counts_where_none_is_too_old(stamp):
    assert age_problem(stamp, NOW, 0.0) == ''


def test_a_large_limit_is_no_other_clock():
    assert age_problem(NOW - 250_000_000_000, NOW, 300.0) == ''


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
