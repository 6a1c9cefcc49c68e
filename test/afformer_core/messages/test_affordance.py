# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np

from afformer_core.messages.affordance import affordance_message

from .conftest import NO_DEPTH, ON_TABLE, header_of


def _message(factory, result, frame='base'):
    return affordance_message(factory, result, header_of(factory), frame)


def test_the_result_as_numbers(factory, result):
    message = _message(factory, result(age=0.5))
    assert message.header == header_of(factory)
    assert (message.demonstration, message.found, message.position_frame) == (
        'coffee',
        True,
        'base',
    )
    assert (message.confidence, message.resemblance, message.age) == (0.5, 0.875, 0.5)
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


def test_a_point_without_a_normal(factory, result):
    surface = replace(ON_TABLE, normal=None)
    point = _message(factory, result((surface, NO_DEPTH))).points[0]
    assert (point.position_valid, point.normal_valid) == (True, False)


def test_a_point_without_a_position_says_why(factory, result):
    point = _message(factory, result((ON_TABLE, NO_DEPTH))).points[1]
    assert (point.position_valid, point.normal_valid) == (False, False)
    assert point.position_problem == 'no depth is received'
    np.testing.assert_array_equal(point.position_covariance, np.zeros(9))


def test_an_abstention_has_no_points_but_tells_the_confidence(factory, result):
    message = _message(factory, result(found=False))
    assert (message.found, list(message.points), message.confidence) == (False, [], 0.5)
    assert len(message.actions) == 2
