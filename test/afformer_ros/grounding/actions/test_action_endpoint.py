# SPDX-License-Identifier: Apache-2.0
"""A goal between its acceptance and its result, and results that real clients get."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from afformer_ros.action import LoadDemonstration
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor

from afformer_core.errors import ImageError
from afformer_ros.grounding.actions.action_endpoint import (
    ActionEndpoint,
    Ending,
    GoalAnswer,
    OpenGoal,
    failure_text,
)
from afformer_ros.grounding.actions.goal_fields import RefusedGoalError
from afformer_ros.grounding.grounding_worker import WorkerStoppedError

PATIENCE = 20.0


class Told:
    """A goal whose executor and client count what they are told."""

    def __init__(self) -> None:
        self.begun = self.woken = 0
        self.feedback: list[str] = []
        handle: Any = SimpleNamespace(
            request='press', execute=None, publish_feedback=self.feedback.append
        )
        executor: Any = self
        self.goal = OpenGoal(handle, executor)

    def create_task(self, execute: Any) -> None:
        self.begun += 1

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_first_answer_counts(told):
    assert told.goal.end(Ending.ABORTED, 'timed out')
    assert not told.goal.end(Ending.SUCCEEDED, 'found')
    assert told.goal.answer.result() == GoalAnswer(Ending.ABORTED, 'timed out')


def test_a_goal_begins_once(told):
    told.goal.begin()
    told.goal.begin()
    told.goal.end(Ending.SUCCEEDED, 'found')
    assert told.begun == 1


def test_a_goal_that_ends_before_its_turn_begins(told):
    told.goal.end(Ending.CANCELED, 'its client canceled it')
    assert (told.begun, told.woken) == (1, 1)


def test_no_feedback_comes_after_the_answer(told):
    told.goal.publish_feedback('1 image')
    told.goal.end(Ending.SUCCEEDED, 'found')
    told.goal.publish_feedback('2 images')
    assert told.feedback == ['1 image']


@pytest.mark.parametrize(
    ('error', 'text'),
    [
        (ImageError('the image is empty'), 'the image is empty'),
        (WorkerStoppedError('the node stops'), 'the node stops'),
        (KeyError('frames'), "KeyError: 'frames'"),
        (ImageError(), 'ImageError'),
        (MemoryError(), 'MemoryError'),
        (ValueError(' \n'), 'ValueError'),
    ],
    ids=repr,
)
def test_no_failure_is_without_a_text(error, text):
    assert failure_text(error) == text


def result_of(reason: str) -> LoadDemonstration.Result:
    return LoadDemonstration.Result(message=reason)


class Handler:
    """Takes all goals but those of secret.mp4; ends slow.mp4 at the third tick."""

    def __init__(self) -> None:
        self.goals: list[OpenGoal] = []
        self.ticks = 0

    def take(self, goal: OpenGoal) -> None:
        if goal.request.path == 'secret.mp4':
            raise RefusedGoalError('secret.mp4 may not be read')
        goal.begin()
        self.goals.append(goal)

    def cancel(self, goal: OpenGoal) -> None:
        goal.fail(result_of('its client canceled it'))

    def tick(self) -> None:
        self.ticks += 1
        for goal in self.goals:
            if goal.request.path == 'slow.mp4' and self.ticks == 3:
                goal.end(Ending.ABORTED, result_of('three ticks have passed'))


class Graph:
    """An endpoint and a client in one process, spun by the thread of the test."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('grounding', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.endpoint = ActionEndpoint(self.node, LoadDemonstration, 'load')
        self.handler = Handler()
        self.client: Any = ActionClient(self.node, LoadDemonstration, 'grounding/load')
        self.wait(self.client.server_is_ready)

    def wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            self.executor.spin_once(timeout_sec=0.05)

    def send(self, path: str) -> Any:
        """Send a goal; returns its handle."""
        sent = self.client.send_goal_async(LoadDemonstration.Goal(path=path))
        self.wait(sent.done)
        assert sent.result().accepted
        return sent.result()

    def result(self, handle: Any) -> tuple[int, str]:
        fetched = handle.get_result_async()
        self.wait(fetched.done)
        return fetched.result().status, fetched.result().result.message

    def close(self) -> None:
        self.client.destroy()
        self.endpoint.destroy()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture(scope='module')
def shared_graph() -> Iterator[Graph]:
    graph = Graph()
    yield graph
    graph.close()


@pytest.fixture
def graph(shared_graph: Graph) -> Graph:
    shared_graph.handler = Handler()
    shared_graph.endpoint.attach(shared_graph.handler)
    return shared_graph


def test_a_goal_that_is_refused_is_aborted_with_the_reason(graph):
    handle = graph.send('secret.mp4')
    assert graph.result(handle) == (GoalStatus.STATUS_ABORTED, 'secret.mp4 may not be read')


def test_a_goal_that_nobody_takes_is_aborted_with_the_reason(graph):
    graph.endpoint.detach('the model cannot be loaded')
    assert graph.result(graph.send('press.mp4')) == (
        GoalStatus.STATUS_ABORTED,
        'the model cannot be loaded',
    )
    assert graph.handler.goals == []


def test_the_reason_is_told_anew_after_a_cleanup(graph):
    graph.endpoint.detach()
    message = 'the node is not configured; configure and activate it'
    assert graph.result(graph.send('press.mp4')) == (GoalStatus.STATUS_ABORTED, message)


def test_an_open_goal_has_its_result_after_the_cleanup(graph):
    handle = graph.send('press.mp4')
    graph.wait(lambda: bool(graph.handler.goals))
    graph.endpoint.detach()
    graph.handler.goals[0].end(Ending.ABORTED, result_of('the node was cleaned up'))
    assert graph.result(handle) == (GoalStatus.STATUS_ABORTED, 'the node was cleaned up')


def test_only_the_goal_that_its_client_cancels_is_canceled(graph):
    first, second = graph.send('press.mp4'), graph.send('pull.mp4')
    graph.wait(lambda: len(graph.handler.goals) == 2)
    second.cancel_goal_async()
    assert graph.result(second) == (GoalStatus.STATUS_CANCELED, 'its client canceled it')
    assert not graph.handler.goals[0].ended
    graph.handler.goals[0].end(Ending.SUCCEEDED, result_of('it was loaded'))
    assert graph.result(first)[0] == GoalStatus.STATUS_SUCCEEDED


def test_time_passes_while_a_goal_is_open_and_no_longer(graph):
    assert graph.result(graph.send('slow.mp4')) == (
        GoalStatus.STATUS_ABORTED,
        'three ticks have passed',
    )
    ticks = graph.handler.ticks
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        graph.executor.spin_once(timeout_sec=0.05)
    # The tick that finds no open goal is the last one.
    assert graph.handler.ticks <= ticks + 1
