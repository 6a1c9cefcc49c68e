# SPDX-License-Identifier: Apache-2.0
"""Results of the images of a goal, and the answer that it makes of them, without middleware."""

from __future__ import annotations

import math

import pytest
from afformer_ros.action import GroundDemonstration
from afformer_ros.msg import Affordance, AffordancePoint
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from afformer_ros.grounding.actions.goal_clock import GoalClock
from afformer_ros.grounding.actions.ground_criteria import GroundCriteria
from afformer_ros.grounding.actions.ground_goal import GoalOutcome, GroundGoal


class Goal(GroundGoal):
    """A goal that has no client, and counts the masks that are made for it."""

    def __init__(self, criteria):
        super().__init__(None, criteria, GoalClock(lambda: 0, lambda: 0.0), ('press', 'pull'))
        self.masks = 0

    def take(self, affordance, age_problem=''):
        def create_mask():
            self.masks += 1
            return Image(header=affordance.header, height=2, width=3, encoding='mono8', step=3)

        return self.add(affordance, create_mask, age_problem)


def goal_of(agreeing_images=2, minimum_presence=0.0, position_required=False):
    return Goal(
        GroundCriteria(
            demonstrations=(),
            agreeing_images=agreeing_images,
            minimum_presence=minimum_presence,
            action='',
            target_frame='',
            position_required=position_required,
            timeout=4.0,
            maximum_age=0.7,
        )
    )


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
    assert [goal.take(image(7)), goal.take(image(8))] == [False, True]
    result = goal.found()
    assert (result.outcome, result.images, result.affordance) == (GoalOutcome.FOUND, 2, image(8))
    assert result.message == "'press+pull' was found in 2 images in a row"


def test_another_point_begins_a_new_row():
    goal = goal_of(agreeing_images=2)
    assert [goal.take(image(number)) for number in (1, 1, 1, 2)] == [False, False, False, True]


@pytest.mark.parametrize(
    'between', [image(0, found=False), image(0, age=0.1), image(3, problem='no depth')]
)
def test_an_image_that_falls_short_ends_the_row(between):
    goal = goal_of(agreeing_images=2, position_required=True)
    assert [goal.take(one) for one in (image(1), between, image(4), image(5))] == [
        False,
        False,
        False,
        True,
    ]


def test_feedback_tells_images_in_a_row_and_presence():
    goal = goal_of(agreeing_images=5)
    for agreeing in (1, 2, 1):
        goal.take(image(agreeing, presence=0.25))
    assert goal.feedback() == GroundDemonstration.Feedback(
        images=3, agreeing_images=1, presence=0.25
    )


def test_no_image_in_time():
    result = goal_of().timed_out('no publisher')
    assert (result.outcome, result.images) == (GoalOutcome.NO_IMAGE, 0)
    assert result.message == 'no image was grounded within 4 s: no publisher'


def test_what_most_images_fell_short_of_is_the_outcome():
    goal = goal_of(agreeing_images=9, position_required=True)
    for one in (image(1), image(0, found=False, presence=0.25), image(1, problem='no depth')):
        goal.take(one)
    goal.take(image(1, problem='no depth'))
    result = goal.timed_out('')
    assert result.outcome == GoalOutcome.NO_POSITION
    assert result.message == ("'press+pull' has no position in 2 of 4 images within 4 s: no depth")


def test_absence_is_told_with_presence():
    goal = goal_of()
    goal.take(image(0, found=False, presence=0.25))
    result = goal.timed_out('')
    assert result.outcome == GoalOutcome.NOT_FOUND
    assert result.message.endswith(
        '1 of 1 images within 4 s: the last presence was 0.25, below 0.50'
    )


def test_points_that_differ_are_unsteady():
    goal = goal_of(agreeing_images=3)
    for agreeing in (1, 1, 2):
        goal.take(image(agreeing))
    result = goal.timed_out('')
    assert result.outcome == GoalOutcome.UNSTEADY
    assert result.message.endswith(
        'in 3 of 3 images within 4 s, but not at one point in 3 in a row'
    )


def test_a_model_that_is_not_calibrated_knows_no_presence():
    goal = goal_of(minimum_presence=0.5)
    assert not any(goal.take(image(number, presence=math.nan)) for number in (1, 2, 3))
    result = goal.timed_out('')
    assert result.outcome == GoalOutcome.NOT_FOUND
    assert 'not calibrated' in result.message


def test_the_mask_is_made_for_the_last_image_alone():
    goal = goal_of(agreeing_images=3)
    for number in (1, 2, 3):
        one = image(number)
        one.header = Header(frame_id=f'camera_{number}')
        goal.take(one)
    assert goal.masks == 0
    mask = goal.found().mask
    assert (mask.header.frame_id, mask.height, mask.width) == ('camera_3', 2, 3)
    assert goal.masks == 1


def test_of_what_is_not_found_the_mask_has_no_pixels():
    goal = goal_of()
    goal.take(image(1))
    lost = image(0, found=False, presence=0.25)
    lost.header = Header(frame_id='wrist')
    goal.take(lost)
    result = goal.timed_out('')
    assert result.mask == Image(header=lost.header)
    assert result.affordance.header == lost.header


def test_images_that_are_too_old_do_not_agree():
    goal = goal_of(agreeing_images=2)
    assert [goal.take(image(1)), goal.take(image(2), 'it was 2.31 s old')] == [False, False]
    assert [goal.take(image(3)), goal.take(image(4))] == [False, True]


def test_what_was_too_old_is_told():
    goal = goal_of()
    for problem in ('it was 3.50 s old', '', 'it was 2.31 s old; expected at most 0.7 s'):
        goal.take(image(1), problem)
    result = goal.timed_out('')
    assert (result.outcome, result.images) == (GoalOutcome.STALE, 3)
    assert result.message == (
        '2 of 3 images within 4 s did not count because of their age; the last one: it was 2.31 s '
        'old; expected at most 0.7 s'
    )


def test_the_reason_is_that_of_the_last_image_which_fell_short_so():
    goal = goal_of(agreeing_images=9, position_required=True)
    for one in (image(1, problem='no depth'), image(1, problem='too far'), image(1)):
        goal.take(one)
    assert goal.timed_out('').message.endswith('in 2 of 3 images within 4 s: too far')


def test_what_is_held_is_not_found():
    goal = goal_of(agreeing_images=2)
    assert not any(goal.take(image(number, age=0.1, presence=0.25)) for number in (1, 2, 3))
    result = goal.timed_out('')
    assert result.outcome == GoalOutcome.NOT_FOUND
    assert result.message.endswith('the last presence was 0.25, below 0.50')


def test_an_element_that_looks_otherwise_is_not_found_for_its_continuity():
    goal = goal_of()
    one = image(0, found=False, presence=0.75)
    one.continuity = 0.25
    goal.take(one)
    assert goal.timed_out('').message.endswith(
        'it looked different from when it was last found; the last continuity was 0.25'
    )
