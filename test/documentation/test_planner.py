# SPDX-License-Identifier: Apache-2.0
"""The planner of the page on topics reaches for the best grasp candidate that is in view."""

from __future__ import annotations

import math
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from afformer_ros.msg import ActionScore, Affordance, AffordancePoint
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped
from std_msgs.msg import Header


@pytest.fixture(scope='module', params=['page', 'example'])
def reach(root: Path, request: pytest.FixtureRequest) -> Callable[[Affordance], Any]:
    if request.param == 'example':
        return runpy.run_path(str(root / 'examples' / 'pick_first_candidate.py'))['reach']
    text = (root / 'docs' / 'reference' / 'topics.md').read_text()
    (code,) = re.findall(r'<!-- planner -->\n```python\n(.*?)```', text, re.DOTALL)
    names: dict[str, Any] = {'Header': Header, 'PoseStamped': PoseStamped}
    exec(code, names)
    return names['reach']


def _affordance(**fields: Any) -> Affordance:
    unknown = Pose(position=Point(x=math.nan, y=math.nan, z=math.nan))
    known = Pose(position=Point(x=0.1, y=-0.2, z=0.8))
    return Affordance(
        action='press',
        actions=[ActionScore(name='press', score=0.75), ActionScore(name='hold', score=0.25)],
        points=[
            AffordancePoint(score=0.5, grasp_candidate=unknown),
            AffordancePoint(score=0.25, grasp_candidate_valid=True, grasp_candidate=known),
        ],
        position_frame='base_link',
        position_stamp=Time(sec=12, nanosec=34),
        **fields,
    )


def test_it_takes_the_first_candidate_that_is_valid(reach) -> None:
    action, pose = reach(_affordance(found=True))
    assert (action, pose.header.frame_id, pose.header.stamp) == (
        'press',
        'base_link',
        Time(sec=12, nanosec=34),
    )
    assert pose.pose.position == Point(x=0.1, y=-0.2, z=0.8)


@pytest.mark.parametrize(('certainty', 'acts'), [(0.41, False), (0.63, True), (math.nan, True)])
def test_it_reaches_only_for_what_is_certain(reach, certainty: float, acts: bool) -> None:
    affordance = _affordance(found=True, certainty=certainty, certainty_threshold=0.63)
    assert (reach(affordance) is not None) is acts


@pytest.mark.parametrize('fields', [{'found': False}, {'found': True, 'age': 0.25}])
def test_it_does_not_reach_for_what_is_not_in_view(reach, fields) -> None:
    assert reach(_affordance(**fields)) is None
