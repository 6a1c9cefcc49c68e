# SPDX-License-Identifier: Apache-2.0
"""Results of the images of a goal, and the answer that it makes of them, without middleware."""

from __future__ import annotations

import math

import pytest
from afformer_ros.action import GroundDemonstration
from afformer_ros.msg import Affordance, AffordancePoint
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from afformer_core.geometry.approach import ApproachSource
from afformer_ros.grounding.actions.goal_fields import GoalClock
from afformer_ros.grounding.actions.ground_goal import GoalOutcome, GroundCriteria, GroundGoal


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


def goal_of(agreeing_images=2, minimum_presence=0.0, position_required=False, approach=0):
    return Goal(
        GroundCriteria(
            demonstrations=(),
            agreeing_images=agreeing_images,
            minimum_presence=minimum_presence,
            action='',
            target_frame='',
            position_required=position_required,
            approach_required=ApproachSource(approach),
            timeout=4.0,
            maximum_age=0.7,
        )
    )


def image(agreeing_images, found=True, age=0.0, presence=0.75, problem='', approach=0):
    point = AffordancePoint(
        position_valid=not problem, position_problem=problem, approach_source=approach
    )
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


ABSENT, NO_DEPTH = image(0, found=False, presence=0.25), image(1, problem='no depth')
OLD = 'it was 2.31 s old; expected at most 0.7 s'


@pytest.mark.parametrize(
    ('criteria', 'images', 'outcome', 'message'),
    [
        pytest.param(
            {'position_required': True},
            [(image(1), ''), (ABSENT, ''), (NO_DEPTH, ''), (NO_DEPTH, '')],
            GoalOutcome.NO_POSITION,
            "'press+pull' has no position in 2 of 4 images within 4 s: no depth",
            id='what most fell short of',
        ),
        pytest.param(
            {'position_required': True},
            [(NO_DEPTH, ''), (image(1, problem='too far'), ''), (image(1), '')],
            GoalOutcome.NO_POSITION,
            "'press+pull' has no position in 2 of 3 images within 4 s: too far",
            id='the last reason',
        ),
        pytest.param(
            {'approach': 2},
            [(image(1), ''), (image(1, approach=3), ''), (image(1, approach=2), '')],
            GoalOutcome.NO_APPROACH,
            "'press+pull' has no such approach in 2 of 3 images within 4 s: it follows from the "
            'line of sight; expected the motion',
            id='no approach',
        ),
        pytest.param(
            {'approach': 3},
            [(NO_DEPTH, ''), (NO_DEPTH, ''), (image(1, approach=3), '')],
            GoalOutcome.NO_POSITION,
            "'press+pull' has no position in 2 of 3 images within 4 s: no depth",
            id='no position to approach',
        ),
        pytest.param(
            {},
            [(ABSENT, '')],
            GoalOutcome.NOT_FOUND,
            "'press+pull' was not found in 1 of 1 images within 4 s: the last presence was 0.25, "
            'below 0.50',
            id='absent',
        ),
        pytest.param(
            {},
            [(image(1, age=0.1, presence=0.25), '')] * 3,
            GoalOutcome.NOT_FOUND,
            "'press+pull' was not found in 3 of 3 images within 4 s: the last presence was 0.25, "
            'below 0.50',
            id='held',
        ),
        pytest.param(
            {},
            [(image(0, found=False), '')],
            GoalOutcome.NOT_FOUND,
            "'press+pull' was not found in 1 of 1 images within 4 s: it looked different from "
            'when it was last found; the last continuity was 0.00',
            id='looks different',
        ),
        pytest.param(
            {'minimum_presence': 0.5},
            [(image(number, presence=math.nan), '') for number in (1, 2, 3)],
            GoalOutcome.NOT_FOUND,
            "'press+pull' was not found in 3 of 3 images within 4 s: the model is not calibrated, "
            'so presence is not known',
            id='not calibrated',
        ),
        pytest.param(
            {'agreeing_images': 3},
            [(image(number), '') for number in (1, 1, 2)],
            GoalOutcome.UNSTEADY,
            "'press+pull' was found in 3 of 3 images within 4 s, but not at one point in 3 in a "
            'row',
            id='unsteady',
        ),
        pytest.param(
            {},
            [(image(1), 'it was 3.50 s old'), (image(1), ''), (image(1), OLD)],
            GoalOutcome.STALE,
            f'2 of 3 images within 4 s did not count because of their age; the last one: {OLD}',
            id='too old',
        ),
    ],
)
def test_a_goal_that_times_out_tells_what_its_images_fell_short_of(
    criteria, images, outcome, message
):
    goal = goal_of(**{'agreeing_images': 9, **criteria})
    assert not any(goal.take(*each) for each in images)
    result = goal.timed_out('')
    assert (result.outcome, result.images, result.message) == (outcome, len(images), message)
