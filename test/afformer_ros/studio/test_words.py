# SPDX-License-Identifier: Apache-2.0
"""States, results and recordings of a grounding node in words."""

from __future__ import annotations

import math

import pytest
from afformer_ros.msg import ActionScore, Affordance, AffordancePoint, DemonstrationStatus
from afformer_ros.srv import GetDemonstrationFrame
from geometry_msgs.msg import Point

from afformer_ros.studio.words import (
    age_in_words,
    best_point_in_words,
    mark_in_words,
    recording_in_words,
    reliability_in_words,
)

SEEN = 'In view: presence 0.91, at least 0.50 is needed.'
ABSENT = 'Not found: presence 0.12, at least 0.50 is needed.'
NOT_KNOWN = 'Presence is not known: this model is not calibrated. Run `afformer calibrate`.'
SURE = 'Sure of the part: certainty 0.63, at least 0.63 is needed.'
UNSURE = 'Not sure which part: certainty 0.41, at least 0.63 is needed.'
FINDS = 'press: the model finds the operated part. A click there is more reliable.'
TAP = 'press: which part? Tap one of the numbered parts, or click elsewhere.'


@pytest.fixture
def found() -> Affordance:
    """The cup's handle, at a known position."""
    point = AffordancePoint(u=312.4, v=200.6, score=0.834)
    point.position_valid, point.position = True, Point(x=0.1, y=-0.2, z=0.75)
    return Affordance(
        found=True,
        presence=0.91,
        presence_threshold=0.5,
        position_frame='base_link',
        action='pick_up',
        actions=[ActionScore(name='press', score=0.1), ActionScore(name='pick_up', score=0.9)],
        points=[point],
    )


def test_the_best_point_and_action(found: Affordance) -> None:
    assert best_point_in_words(found) == (
        'Pick up at x 312, y 201 pixels, score 0.83; in space at 0.100, -0.200, 0.750 m of '
        'base_link.'
    )
    found.points[0].position_valid = False
    found.age = 0.4
    assert best_point_in_words(found) == (
        'Pick up at x 312, y 201 pixels, score 0.83. Held for 0.4 s while it is not seen.'
    )
    found.action = 'unknown'
    assert best_point_in_words(found).startswith('Act at x 312, y 201 pixels')
    found.points = []
    assert best_point_in_words(found) == ''


@pytest.mark.parametrize(
    ('found', 'presence', 'certainty', 'told'),
    [
        (True, 0.91, 0.41, (SEEN, UNSURE)),
        (True, math.nan, 0.63, (NOT_KNOWN, SURE)),
        (True, 0.91, math.nan, (SEEN, '')),
        (False, 0.125, 0.41, (ABSENT, '')),
    ],
)
def test_presence_and_certainty(
    found: bool, presence: float, certainty: float, told: tuple[str, str]
) -> None:
    affordance = Affordance(found=found, presence=presence, certainty=certainty)
    affordance.presence_threshold, affordance.certainty_threshold = 0.5, 0.63
    assert reliability_in_words(affordance) == told


def test_an_old_result_is_told() -> None:
    assert age_in_words(1.9) == ''
    assert age_in_words(61.2) == 'No result for 61 s: see below.'


def test_a_recording() -> None:
    status = DemonstrationStatus(
        state=DemonstrationStatus.RECORDING, name='press', frames=31, frames_lost=2, duration=1.04
    )
    assert recording_in_words(status) == "Recording 'press': 31 frames, 2 lost, 1.0 s."
    status.state, status.message = DemonstrationStatus.FAILED, 'the disk is full'
    assert recording_in_words(status) == 'the disk is full'
    assert recording_in_words(None) == ''


def test_a_mark() -> None:
    answer = GetDemonstrationFrame.Response(name='press', marked=True, x=291.6, y=48.0)
    assert mark_in_words(answer, None) == 'press is marked at 292, 48 pixels.'
    answer.marked = False
    assert mark_in_words(answer, None) == FINDS


@pytest.mark.parametrize(
    ('name', 'certainty', 'candidates', 'told'),
    [
        ('press', 0.41, [31.0, 52.5], TAP),
        ('press', 0.41, [], 'press: which part? Tap it.'),
        ('press', 0.63, [31.0], FINDS),
        ('press', math.nan, [31.0], FINDS),
        ('pull', 0.41, [31.0], FINDS),
    ],
)
def test_an_unsure_result_asks_for_a_mark(
    name: str, certainty: float, candidates: list[float], told: str
) -> None:
    answer = GetDemonstrationFrame.Response(name='press', candidate_x=candidates)
    affordance = Affordance(demonstration=name, unsure=certainty < 0.63)
    assert mark_in_words(answer, affordance) == told
