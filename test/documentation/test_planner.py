# SPDX-License-Identifier: Apache-2.0
"""The planner of the page on topics reaches for the best point that is in view."""

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
from geometry_msgs.msg import Point, PointStamped, Vector3
from std_msgs.msg import Header

from afformer_core.geometry.motion import ACTION_NAMES, ActionKind


@pytest.fixture(scope='module', params=['page', 'example'])
def reach(root: Path, request: pytest.FixtureRequest) -> Callable[[Affordance], Any]:
    if request.param == 'example':
        return runpy.run_path(str(root / 'examples' / 'pick_first_candidate.py'))['reach']
    text = (root / 'docs' / 'reference' / 'topics.md').read_text()
    (code,) = re.findall(r'<!-- planner -->\n```python\n(.*?)```', text, re.DOTALL)
    names: dict[str, Any] = {'Header': Header, 'PointStamped': PointStamped}
    exec(code, names)
    return names['reach']


def _affordance(**fields: Any) -> Affordance:
    known = {'position_valid': True, 'position': Point(x=0.1, y=-0.2, z=0.8)}
    return Affordance(
        action='press',
        actions=[ActionScore(name='press', score=0.75), ActionScore(name='hold', score=0.25)],
        points=[
            AffordancePoint(score=0.5, position=Point(x=math.nan, y=math.nan, z=math.nan)),
            AffordancePoint(score=0.09, position_valid=True),
            AffordancePoint(score=0.25, approach=Vector3(x=0.6, y=0.0, z=0.8), **known),
        ],
        position_frame='base_link',
        position_stamp=Time(sec=12, nanosec=34),
        **fields,
    )


def test_it_takes_the_first_point_with_a_position_and_a_score(reach) -> None:
    action, point, approach = reach(_affordance(found=True))
    assert (action, point.header.frame_id, point.header.stamp) == (
        'press',
        'base_link',
        Time(sec=12, nanosec=34),
    )
    assert (point.point, approach) == (Point(x=0.1, y=-0.2, z=0.8), Vector3(x=0.6, y=0.0, z=0.8))


@pytest.mark.parametrize(
    'fields', [{'found': False}, {'found': True, 'age': 0.25}, {'found': True, 'unsure': True}]
)
def test_it_does_not_reach_for_what_is_not_in_view_or_unsure(reach, fields) -> None:
    assert reach(_affordance(**fields)) is None


def test_the_page_names_every_action(root: Path) -> None:
    text = (root / 'docs' / 'robot' / 'points.md').read_text()
    rows = [line.split('|')[1] for line in text.splitlines() if line.startswith('| `')]
    named = {name for row in rows for name in re.findall(r'`([^`]+)`', row)}
    senses = (ActionKind.TURN_CLOCKWISE, ActionKind.TURN_COUNTERCLOCKWISE)
    plain = {name for kind, names in ACTION_NAMES.items() if kind not in senses for name in names}
    assert named == plain
