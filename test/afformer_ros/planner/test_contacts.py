# SPDX-License-Identifier: Apache-2.0
"""Results of a grounding node, and the errors that they are to a planner."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy')

from afformer_ros.action import GroundDemonstration
from afformer_ros.msg import Affordance

from afformer_ros.client import GoalRefusedError, NoAnswerError
from afformer_ros.planner.contacts import (
    NoPositionError,
    NotFoundError,
    UnsteadyError,
    found_affordance,
)

Result = GroundDemonstration.Result


@pytest.mark.parametrize(
    ('outcome', 'error'),
    [
        (Result.NOT_FOUND, NotFoundError),
        (Result.UNSTEADY, UnsteadyError),
        (Result.NO_POSITION, NoPositionError),
        (Result.NO_IMAGE, NoAnswerError),
        (Result.STALE, NoAnswerError),
        (Result.REFUSED, GoalRefusedError),
        (Result.UNKNOWN, GoalRefusedError),
        (Result.STOPPED, GoalRefusedError),
        (Result.CANCELED, GoalRefusedError),
        (Result.REPLACED, GoalRefusedError),
    ],
)
def test_each_outcome_without_a_point_is_an_error_of_its_own(
    outcome: int, error: type[Exception]
) -> None:
    result = Result(outcome=outcome, message='why it is so', images=4)
    with pytest.raises(error, match='why it is so') as raised:
        found_affordance(result, 3)
    assert type(raised.value) is error


def test_an_image_less_than_must_agree_is_no_answer() -> None:
    result = Result(outcome=Result.UNSTEADY, message='2 of 2 images', images=2)
    with pytest.raises(NoAnswerError):
        found_affordance(result, 3)
    with pytest.raises(UnsteadyError):
        found_affordance(result, 2)


def test_what_is_found_is_returned() -> None:
    result = Result(outcome=Result.FOUND, affordance=Affordance(presence=0.75))
    assert found_affordance(result, 3).presence == 0.75
