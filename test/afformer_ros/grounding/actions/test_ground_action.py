# SPDX-License-Identifier: Apache-2.0
"""The action ~/ground_demonstration of a node that runs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from afformer_ros.action import GroundDemonstration
from builtin_interfaces.msg import Duration
from sensor_msgs.msg import Image

Result = GroundDemonstration.Result


@pytest.fixture
def ground(active: Any) -> Callable[..., Any]:
    """Sends a goal to a node with the demonstration 'press', which is selected."""
    active.record('press')

    def send(**fields: Any) -> Any:
        return active.send_goal('ground_demonstration', **fields)

    return send


def stream(client: Any, goal: Any, same: bool = True, first: int = 0) -> tuple[str, Any]:
    """Send images until a goal has its result; all the same one, or each another one."""
    future, number, end = goal.fetch(), first, time.monotonic() + 20.0
    while not future.done() and time.monotonic() < end:
        message = client.image_message(0 if same else number)
        message.header = client.header(number)
        client.images.publish(message)
        client.spin(0.05)
        number += 1
    return goal.result()


def test_images_that_agree_end_a_goal(active, ground):
    goal = ground(agreeing_images=3)
    ending, result = stream(active, goal)
    assert (ending, result.outcome) == ('succeeded', Result.FOUND), result.message
    assert result.images >= 3
    assert [one.agreeing_images for one in goal.feedback][-1] == 3
    assert [one.images for one in goal.feedback] == list(range(1, result.images + 1))
    assert result.affordance.demonstration == 'press'
    assert result.affordance.agreeing_images >= 3


def test_a_goal_names_the_action_before_the_parameter_does(active, ground):
    active.set_parameter('action', 'lift')
    try:
        _, named = stream(active, ground(agreeing_images=2, action='rotate'))
        _, unnamed = stream(active, ground(agreeing_images=2), first=100)
    finally:
        active.set_parameter('action', '')
    assert (named.affordance.action, unnamed.affordance.action) == ('rotate', 'lift')
    assert sorted(one.name for one in named.affordance.actions) == ['hold', 'press', 'push']


def test_an_action_that_nothing_knows_is_refused(ground):
    ending, result = ground(action='fly').result()
    assert (ending, result.outcome) == ('aborted', Result.REFUSED)
    assert result.message.startswith("action is 'fly'; expected one of ")


def test_the_result_and_its_mask_are_those_of_the_topics(active, ground):
    active.set_parameter('mask_share', 0.75)
    masks: list[Image] = []
    listener = active.node.create_subscription(Image, 'mask', masks.append, 100)
    try:
        _, result = stream(active, ground(agreeing_images=2))
        active.wait(
            lambda: [one for one in masks if one.header == result.affordance.header],
            'the mask of the same image',
        )
        # What is not known is NaN, which does not equal itself.
        active.wait(
            lambda: repr(result.affordance) in [repr(one) for one in active.affordances],
            'the same affordance on the topic',
        )
    finally:
        active.node.destroy_subscription(listener)
        active.set_parameter('mask_share', 0.5)
    assert result.mask in masks
    assert result.mask.header == result.affordance.header
    assert (result.mask.encoding, result.mask.height, result.mask.width) == ('mono8', 48, 64)
    assert 0 < np.count_nonzero(result.mask.data) < 48 * 64


def test_positions_are_in_the_frame_that_a_goal_names(active, ground):
    _, result = stream(active, ground(target_frame='base_link', agreeing_images=1))
    assert result.affordance.position_frame == 'base_link'
    assert active.ground(active.image_message(50)).position_frame == 'camera'


def test_a_goal_grounds_its_own_demonstration(active, ground):
    active.record('pull')
    active.select('press')
    _, result = stream(active, ground(demonstrations=['pull'], agreeing_images=1))
    assert result.affordance.demonstration == 'pull'
    assert active.ground(active.image_message(50)).demonstration == 'press'
    assert active.list().selected == 'press'


def test_a_demonstration_that_is_deleted_meanwhile(active, ground):
    goal = ground()
    assert goal.accepted()
    active.delete('press')
    ending, result = goal.result()
    assert (ending, result.outcome) == ('aborted', Result.UNKNOWN)
    assert "'press' was deleted" in result.message


def test_a_goal_is_grounded_while_nobody_listens(active, ground):
    active.listen_no_more()
    try:
        ignored = 'images ignored because no result has a subscriber'
        before = active.told('grounding', '')
        active.told('grounding', '', lambda: active.images.publish(active.image_message(0)))
        active.wait(
            lambda: int(active.told('grounding', '')[ignored]) > int(before[ignored]),
            'an image that is ignored',
        )
        published = 'groundings published'
        assert active.told('grounding', '')[published] == before[published]
        assert stream(active, ground(agreeing_images=2))[1].outcome == Result.FOUND
    finally:
        active.listen()
        active.connect()


def test_a_goal_ends_where_time_stands_still(active, ground):
    active.set_parameter('use_sim_time', True)
    try:
        ending, result = ground(timeout=Duration(nanosec=300_000_000)).result()
    finally:
        active.set_parameter('use_sim_time', False)
    assert (ending, result.outcome) == ('aborted', Result.NO_IMAGE)


def test_goals_before_and_after_the_life_of_the_node_have_results(nodes):
    process, client = nodes.grounding(), nodes.client()

    def send(**fields: Any) -> Any:
        return client.send_goal('ground_demonstration', **fields)

    ending, result = send().result()
    assert (ending, result.outcome) == ('aborted', Result.STOPPED)
    assert 'configure' in result.message
    for action in ('record_demonstration', 'load_demonstration'):
        ending, result = client.send_goal(action).result()
        assert (ending, result.success) == ('aborted', False)
        assert 'configure' in result.message
    client.bring_up()
    client.record('press')
    goals = [send(), send()]
    futures = [goal.fetch() for goal in goals]
    process.popen.send_signal(signal.SIGINT)
    client.wait(lambda: all(one.done() for one in futures), 'results at the end of the process')
    assert [goal.result()[1].outcome for goal in goals] == [Result.STOPPED] * 2
    assert process.stop() == 0
