# SPDX-License-Identifier: Apache-2.0
"""Results of the images of a goal, and the answer that it makes of them, without middleware."""

from __future__ import annotations

import math

import pytest
from afformer_ros.action import GroundDemonstration
from afformer_ros.msg import Affordance, AffordancePoint
from builtin_interfaces.msg import Duration

from afformer_ros.grounding.action_parameters import ActionParameters
from afformer_ros.grounding.actions.goal_clock import GoalClock
from afformer_ros.grounding.actions.ground_goal import GroundCriteria, GroundGoal, Outcome


def goal_of(agreeing_images=2, minimum_presence=0.0, position_required=False):
    criteria = GroundCriteria(
        agreeing_images, minimum_presence, '', position_required, timeout=4.0
    )
    return GroundGoal(None, criteria, GoalClock(lambda: 0, lambda: 0.0), ('press', 'pull'))


def image(agreeing_images, found=True, age=0.0, presence=0.75, problem=''):
    point = AffordancePoint(position_valid=not problem, position_problem=problem)
    return Affordance(
        found=found,
        age=age,
        presence=presence,
        presence_threshold=0.5,
        agreeing_images=agreeing_images,
        points=[point] if found else [],
    )


def test_images_before_the_goal_do_not_count():
    goal = goal_of(agreeing_images=2)
    assert [goal.add(image(7)), goal.add(image(8))] == [False, True]
    result = goal.found()
    assert (result.outcome, result.images, result.affordance) == (Outcome.FOUND, 2, image(8))
    assert result.message == "'press+pull' was found in 2 images in a row"


def test_another_point_begins_a_new_row():
    goal = goal_of(agreeing_images=2)
    assert [goal.add(image(number)) for number in (1, 1, 1, 2)] == [False, False, False, True]


@pytest.mark.parametrize(
    'between', [image(0, found=False), image(0, age=0.1), image(3, problem='no depth')]
)
def test_an_image_that_falls_short_ends_the_row(between):
    goal = goal_of(agreeing_images=2, position_required=True)
    assert [goal.add(one) for one in (image(1), between, image(4), image(5))] == [
        False,
        False,
        False,
        True,
    ]


def test_feedback_tells_images_in_a_row_and_presence():
    goal = goal_of(agreeing_images=5)
    for agreeing in (1, 2, 1):
        goal.add(image(agreeing, presence=0.25))
    assert goal.feedback() == GroundDemonstration.Feedback(
        images=3, agreeing_images=1, presence=0.25
    )


def test_no_image_in_time():
    result = goal_of().timed_out('no publisher')
    assert (result.outcome, result.images) == (Outcome.NO_IMAGE, 0)
    assert result.message == 'no image was grounded within 4 s: no publisher'


def test_what_most_images_fell_short_of_is_the_outcome():
    goal = goal_of(agreeing_images=9, position_required=True)
    for one in (image(1), image(0, found=False, presence=0.25), image(1, problem='no depth')):
        goal.add(one)
    goal.add(image(1, problem='no depth'))
    result = goal.timed_out('')
    assert result.outcome == Outcome.NO_POSITION
    assert result.message == ("'press+pull' has no position in 2 of 4 images within 4 s: no depth")


def test_absence_is_told_with_presence():
    goal = goal_of()
    goal.add(image(0, found=False, presence=0.25))
    result = goal.timed_out('')
    assert result.outcome == Outcome.NOT_FOUND
    assert result.message.endswith(
        '1 of 1 images within 4 s: presence was 0.25 at last, below 0.50'
    )


def test_points_that_differ_are_unsteady():
    goal = goal_of(agreeing_images=3)
    for agreeing in (1, 1, 2):
        goal.add(image(agreeing))
    result = goal.timed_out('')
    assert result.outcome == Outcome.UNSTEADY
    assert result.message.endswith(
        'in 3 of 3 images within 4 s, but not at one point in 3 in a row'
    )


def test_a_model_that_is_not_calibrated_knows_no_presence():
    goal = goal_of(minimum_presence=0.5)
    assert not any(goal.add(image(number, presence=math.nan)) for number in (1, 2, 3))
    result = goal.timed_out('')
    assert result.outcome == Outcome.NOT_FOUND
    assert 'not calibrated' in result.message


def test_parameters_replace_zeros():
    parameters = ActionParameters(agreeing_images=4, action_timeout=7.5)
    criteria = GroundCriteria.of(GroundDemonstration.Goal(), parameters)
    assert criteria == GroundCriteria(4, 0.0, '', False, 7.5)
    asked = GroundDemonstration.Goal(
        agreeing_images=2,
        minimum_presence=0.5,
        target_frame='base_link',
        position_required=True,
        timeout=Duration(sec=1, nanosec=500_000_000),
    )
    assert GroundCriteria.of(asked, parameters) == GroundCriteria(2, 0.5, 'base_link', True, 1.5)


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'minimum_presence': 1.5}, 'minimum_presence is 1.5; expected 0 to 1'),
        ({'minimum_presence': math.nan}, 'minimum_presence is nan'),
        ({'timeout': Duration(sec=-1)}, r'timeout is -1.0 s; expected at least 0'),
    ],
)
def test_numbers_out_of_range(fields, message):
    with pytest.raises(ValueError, match=message):
        GroundCriteria.of(GroundDemonstration.Goal(**fields), ActionParameters())
