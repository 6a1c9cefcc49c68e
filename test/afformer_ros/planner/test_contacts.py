# SPDX-License-Identifier: Apache-2.0
"""Results of a grounding node, and the errors that they are to a planner."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy')

from afformer_ros.action import GroundDemonstration
from afformer_ros.msg import Affordance, AffordancePoint
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3

from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.contact import ArmContact
from afformer_ros.client import GoalRefusedError, NoAnswerError
from afformer_ros.planner.contacts import (
    NoPositionError,
    NotFoundError,
    UnsteadyError,
    contacts_of,
    found_affordance,
)

Result = GroundDemonstration.Result


@pytest.mark.parametrize(
    ('outcome', 'error'),
    [
        (Result.NOT_FOUND, NotFoundError),
        (Result.UNSTEADY, UnsteadyError),
        (Result.NO_POSITION, NoPositionError),
        (Result.NO_APPROACH, NoPositionError),
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


# x of the camera is y of the base, y is z, and z is x.
TO_BASE = RigidTransform(np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]), np.array([0.1, 0.2, 0.3]))


def contact_of(**fields: Any) -> ArmContact:
    """The contact of a point in the frame of the camera."""
    point = AffordancePoint(
        **{
            'score': 0.83,
            'position_valid': True,
            'position': Point(x=0.4, y=-0.5, z=0.7),
            'approach': Vector3(x=0.6, y=0.0, z=0.8),
            'approach_source': AffordancePoint.APPROACH_LINE_OF_SIGHT,
            # Half a turn about (0.6, 0, 0.8): y becomes -y.
            'grasp_candidate': Pose(orientation=Quaternion(x=0.6, y=0.0, z=0.8, w=0.0)),
            'grasp_width': math.nan,
            **fields,
        }
    )
    (contact,) = contacts_of(Affordance(points=[point], action='pull'), TO_BASE, None, 0.1)
    return contact


def test_the_arm_comes_along_the_approach_of_a_point() -> None:
    contact = contact_of()
    assert contact.point.tolist() == pytest.approx([0.8, 0.6, -0.2])
    assert contact.normal.tolist() == pytest.approx([-0.8, -0.6, 0.0])
    assert (contact.closing, contact.width, contact.camera) == (None, None, None)


def test_the_fingers_close_along_y_of_a_candidate_with_a_long_axis() -> None:
    contact = contact_of(grasp_candidate_valid=True, grasp_axis_known=True, grasp_width=0.031)
    assert contact.closing is not None
    assert contact.closing.tolist() == pytest.approx([0.0, 0.0, -1.0])
    assert contact.width == pytest.approx(0.031)
    assert contact_of(grasp_candidate_valid=True).closing is None
    assert contact_of(grasp_axis_known=True).closing is None


@pytest.mark.parametrize(
    ('fields', 'reason'),
    [
        ({'position_valid': False, 'position_problem': 'a hole'}, 'act: a hole'),
        ({'score': 0.09}, 'its score is 0.090'),
        ({'approach_source': AffordancePoint.APPROACH_MOTION}, 'minimum_candidate_score'),
        ({'approach': Vector3(x=math.nan, y=0.0, z=0.8)}, 'normal is'),
    ],
)
def test_the_arm_does_not_act_at_a_point_that(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(NoPositionError, match=reason):
        contact_of(**fields)
