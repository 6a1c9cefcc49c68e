# SPDX-License-Identifier: Apache-2.0
"""Fields of goals: what replaces zeros, and what is refused."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from afformer_ros.action import GroundDemonstration
from builtin_interfaces.msg import Duration

from afformer_ros.grounding.actions.goal_fields import RefusedGoalError
from afformer_ros.grounding.actions.ground_criteria import GroundCriteria
from afformer_ros.grounding.parameters import ActionParameters

PARAMETERS = ActionParameters(agreeing_images=4, action_timeout=7.5, maximum_image_age=1.25)


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
        ({'target_frame': '/base_link'}, "target_frame is '/base_link'; expected the name of"),
        ({'target_frame': ' '}, "target_frame is ' '; expected the name of"),
        ({'target_frame': 'base link'}, "target_frame is 'base link'; expected the name of"),
        ({'demonstrations': ['']}, "'' cannot name a demonstration"),
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
