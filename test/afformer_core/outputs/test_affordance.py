# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace

import numpy as np
import pytest

from afformer_core.geometry.grasp import GraspCandidate
from afformer_core.geometry.motion import MotionType, PartMotion
from afformer_core.outputs.affordance import affordance_message
from afformer_core.outputs.point_geometry import PointGeometry

from ..messages.conftest import NO_DEPTH, ON_TABLE, header_of

CANDIDATE = GraspCandidate(np.array([0.1, -0.2, 0.8]), np.array([0.5, -0.5, 0.5, 0.5]), 0.5)
BEFORE = GraspCandidate(np.array([0.1, -0.2, 0.7]), np.array([0.5, -0.5, 0.5, 0.5]), 0.5)
UNKNOWN = PointGeometry(PartMotion.unknown('which way is up is not known'))
PULLED = PointGeometry(
    PartMotion(MotionType.TRANSLATION, np.array([0.0, 0.6, -0.8]), ''), CANDIDATE, BEFORE, 0.025
)


def _message(factory, result, geometries=(UNKNOWN, UNKNOWN)):
    base = header_of(factory, 'base')
    base.stamp.sec = 11
    return affordance_message(factory, result, geometries, header_of(factory), base)


def _numbers(point):
    """Every number of position, normal, poses, motion, covariance and width."""
    poses = (point.grasp_candidate, point.pre_grasp)
    parts = [part for pose in poses for part in (pose.position, pose.orientation)]
    vectors = (point.position, point.normal, *parts, point.motion)
    axes = [[getattr(one, axis) for axis in 'xyzw' if hasattr(one, axis)] for one in vectors]
    return [*axes, list(point.position_covariance), [point.grasp_width]]


def test_the_result_as_numbers(factory, result):
    message = _message(factory, result(age=0.5))
    assert message.header == header_of(factory)
    assert (message.demonstration, message.found) == ('coffee', True)
    assert (message.position_frame, message.position_stamp.sec) == ('base', 11)
    assert (message.confidence, message.feature_similarity, message.continuity) == (
        0.5,
        0.875,
        0.75,
    )
    assert message.age == 0.5
    actions = [(action.name, action.score) for action in message.actions]
    assert actions == [('press', 0.75), ('hold', 0.25)]
    points = [(point.u, point.v, point.score) for point in message.points]
    assert points == [(31.5, 23.5, 0.5), (0.0, 0.0, 0.25)]


def test_a_point_with_position_and_normal(factory, result):
    point = _message(factory, result((ON_TABLE, NO_DEPTH))).points[0]
    assert (point.position_valid, point.normal_valid, point.position_problem) == (True, True, '')
    assert (point.position.x, point.position.y, point.position.z) == (0.1, -0.2, 0.8)
    assert (point.normal.x, point.normal.y, point.normal.z) == (0, 0, -1)
    np.testing.assert_array_equal(point.position_covariance, np.arange(9) / 1000)


def test_a_point_with_a_grasp_candidate(factory, result):
    message = _message(factory, result((ON_TABLE, ON_TABLE)), (UNKNOWN, PULLED))
    assert [point.grasp_candidate_valid for point in message.points] == [False, True]
    pose = message.points[1].grasp_candidate
    assert (pose.position.x, pose.position.y, pose.position.z) == (0.1, -0.2, 0.8)
    turn = pose.orientation
    assert (turn.x, turn.y, turn.z, turn.w) == (0.5, -0.5, 0.5, 0.5)


def test_a_point_with_a_pre_grasp_and_a_width(factory, result):
    message = _message(factory, result((ON_TABLE, ON_TABLE)), (UNKNOWN, PULLED))
    pose = message.points[1].pre_grasp
    assert (pose.position.x, pose.position.y, pose.position.z) == (0.1, -0.2, 0.7)
    turn = pose.orientation
    assert (turn.x, turn.y, turn.z, turn.w) == (0.5, -0.5, 0.5, 0.5)
    assert message.points[1].grasp_width == pytest.approx(0.025)


def test_a_point_with_a_motion(factory, result):
    message = _message(factory, result((ON_TABLE, ON_TABLE)), (PULLED, UNKNOWN))
    point = message.points[0]
    assert (point.motion_valid, point.motion_type, point.motion_problem) == (True, 1, '')
    assert (point.motion.x, point.motion.y, point.motion.z) == (0.0, 0.6, -0.8)


def test_a_point_whose_motion_is_unknown_says_why(factory, result):
    point = _message(factory, result((ON_TABLE, NO_DEPTH))).points[0]
    assert (point.motion_valid, point.motion_type) == (False, 0)
    assert point.motion_problem == 'which way is up is not known'


def test_a_normal_that_is_unknown_is_no_number(factory, result):
    surface = replace(ON_TABLE, normal=None)
    point = _message(factory, result((surface, NO_DEPTH))).points[0]
    assert (point.position_valid, point.normal_valid) == (True, False)
    position, normal, *rest = _numbers(point)
    assert position == [0.1, -0.2, 0.8]
    assert np.isnan(normal).all()
    candidate = [*rest[:4], rest[-1]]
    assert all(np.isnan(one).all() for one in candidate)


def test_a_point_without_a_position_says_why(factory, result):
    point = _message(factory, result((ON_TABLE, NO_DEPTH))).points[1]
    assert (point.position_valid, point.normal_valid) == (False, False)
    assert not point.grasp_candidate_valid
    assert point.position_problem == 'no depth is received'


def test_what_is_unknown_of_a_point_is_no_number(factory, result):
    numbers = _numbers(_message(factory, result((ON_TABLE, NO_DEPTH))).points[1])
    assert [len(one) for one in numbers] == [3, 3, 3, 4, 3, 4, 3, 9, 1]
    assert all(np.isnan(one).all() for one in numbers)


def test_presence_and_the_threshold_that_decided(factory, result):
    message = _message(factory, result(presence=0.75, presence_threshold=0.25))
    assert (message.presence, message.presence_threshold) == (0.75, 0.25)


@pytest.mark.parametrize('name', ['presence', 'presence_threshold'])
def test_a_model_that_is_not_calibrated_has_no_presence(factory, result, name):
    assert math.isnan(getattr(_message(factory, result()), name))


def test_certainty_and_its_threshold(factory, result):
    unknown = result()
    grounding = replace(unknown.grounding, certainty=0.375, certainty_threshold=0.625)
    message = _message(factory, replace(unknown, grounding=grounding))
    assert (message.certainty, message.certainty_threshold) == (0.375, 0.625)


@pytest.mark.parametrize(('threshold', 'action'), [(0.625, 'press'), (0.875, 'unknown')])
def test_an_action_is_named_from_its_threshold_on(factory, result, threshold, action):
    scores = {'press': 0.75, 'hold': 0.25}
    grounding = replace(result().grounding, action_scores=scores, action_threshold=threshold)
    message = _message(factory, replace(result(), grounding=grounding))
    assert (message.action, message.action_threshold) == (action, threshold)
    assert [(one.name, one.score) for one in message.actions] == list(scores.items())


@pytest.mark.parametrize('name', ['certainty', 'certainty_threshold', 'action_threshold'])
def test_a_certainty_that_is_not_known_is_no_number(factory, result, name):
    assert math.isnan(getattr(_message(factory, result()), name))


def test_an_abstention_has_no_points_but_tells_the_confidence(factory, result):
    message = _message(factory, result(found=False))
    assert (message.found, list(message.points), message.confidence) == (False, [], 0.5)
    assert len(message.actions) == 2
