# SPDX-License-Identifier: Apache-2.0
"""Fields of goals: what replaces zeros, what is refused, and the time that a goal has taken."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from afformer_ros.action import GroundDemonstration
from builtin_interfaces.msg import Duration

from afformer_core.geometry.approach import ApproachSource
from afformer_ros.grounding.actions.goal_fields import GoalClock, RefusedGoalError, age_problem
from afformer_ros.grounding.actions.ground_goal import GroundCriteria
from afformer_ros.grounding.parameters import ActionParameters

PARAMETERS = ActionParameters(agreeing_images=4, action_timeout=7.5, maximum_image_age=1.25)
NOW = 1_700_000_000_400_000_000


def criteria(**fields: Any) -> GroundCriteria:
    return GroundCriteria.of(GroundDemonstration.Goal(**fields), PARAMETERS)


def test_parameters_replace_zeros():
    assert criteria() == GroundCriteria(
        demonstrations=(),
        agreeing_images=4,
        minimum_presence=0.0,
        action='',
        target_frame='',
        position_required=False,
        approach_required=ApproachSource.UNKNOWN,
        timeout=7.5,
        maximum_age=1.25,
    )


def test_what_a_goal_says_counts():
    asked = criteria(
        demonstrations=['press', 'pull'],
        agreeing_images=1000,
        minimum_presence=0.625,
        action='pull',
        target_frame='arm/base_link',
        position_required=True,
        approach_required=2,
        timeout=Duration(sec=86399, nanosec=999_999_999),
        maximum_age=Duration(nanosec=375_000_000),
    )
    assert asked == GroundCriteria(
        demonstrations=('press', 'pull'),
        agreeing_images=1000,
        minimum_presence=0.625,
        action='pull',
        target_frame='arm/base_link',
        position_required=True,
        approach_required=ApproachSource.MOTION,
        timeout=86399.999999999,
        maximum_age=0.375,
    )


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'agreeing_images': 1001}, 'agreeing_images is 1001; expected 1 to 1000'),
        ({'minimum_presence': 1.5}, 'minimum_presence is 1.5; expected 0 to 1'),
        ({'minimum_presence': -0.25}, 'minimum_presence is -0.25; expected 0 to 1'),
        ({'minimum_presence': math.nan}, 'minimum_presence is nan; expected 0 to 1'),
        ({'timeout': Duration(sec=-1)}, 'timeout is -1.0; expected 0.1 to 86400.0 seconds, or 0'),
        ({'timeout': Duration(nanosec=99_000_000)}, 'timeout is 0.099; expected 0.1 to'),
        ({'timeout': Duration(sec=86400, nanosec=1)}, 'timeout is 86400.000000001; expected'),
        (
            {'timeout': Duration(sec=2, nanosec=1_000_000_000)},
            'timeout has 1000000000 nanoseconds; expected fewer than 1000000000',
        ),
        ({'maximum_age': Duration(sec=-3)}, 'maximum_age is -3.0; expected 0.0 to 3600.0 seconds'),
        ({'maximum_age': Duration(sec=3601)}, 'maximum_age is 3601.0; expected 0.0 to 3600.0'),
        ({'approach_required': 4}, 'approach_required is 4; expected 0 to 3'),
        ({'target_frame': '/base_link'}, "target_frame is '/base_link'; expected the name of"),
        ({'target_frame': ' '}, "target_frame is ' '; expected the name of"),
        ({'target_frame': 'base link'}, "target_frame is 'base link'; expected the name of"),
        ({'demonstrations': ['press', '']}, "'' cannot name a demonstration"),
        (
            {'demonstrations': ['press', 'pull', 'press']},
            "'press+pull+press' names a demonstration twice. Name each once",
        ),
    ],
    ids=str,
)
def test_what_is_out_of_range_is_refused(fields, message):
    with pytest.raises(RefusedGoalError, match=re.escape(message)):
        criteria(**fields)


def test_an_action_is_known_to_the_model_or_moves_in_a_known_way():
    for name in ('', 'open', 'Turn_clockwise'):
        criteria(action=name).check_action(('open', 'touch'))
    refused = "action is 'fly'; expected one of open, touch, hold, tap, push"
    with pytest.raises(RefusedGoalError, match=refused):
        criteria(action='fly').check_action(('open', 'touch'))


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
