# SPDX-License-Identifier: Apache-2.0
"""The behavior tree of the examples, against the action of a planner."""

from __future__ import annotations

import runpy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from afformer_ros.action import OperateElement
from afformer_ros.srv import GetDemonstrationFrame
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor

pytest.importorskip('py_trees', reason='py_trees is not installed')

from py_trees.blackboard import Blackboard
from py_trees.common import Status

from test.waiting import wait_until

Result = OperateElement.Result
GOAL = OperateElement.Goal(demonstrations=['espresso'], action='pull', attempts=2)


class StandInPlanner:
    """The action of the planner and the service of the mark, in a thread.

    Attributes:
        goals: those that arrived.
        canceled: how many were canceled.
        asked: how often the mark was requested.
        marked_after: requests after which the contact is marked; 0: from the beginning.
    """

    def __init__(self, context: rclpy.Context, answers: list[Any], marked_after: int) -> None:
        self.goals: list[Any] = []
        self.canceled = self.asked = 0
        self.marked_after = marked_after
        self._answers = answers
        self._ending = threading.Event()
        self._node = rclpy.create_node('planner', context=context)
        self._server = ActionServer(
            self._node,
            OperateElement,
            'planner/operate_element',
            execute_callback=self._execute,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )
        self._node.create_service(
            GetDemonstrationFrame, 'grounding/get_demonstration_frame', self._give_mark
        )
        self._executor = MultiThreadedExecutor(3, context=context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._executor.spin)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._executor.shutdown()
        self._thread.join()
        self._server.destroy()
        self._node.destroy_node()

    def _execute(self, handle: Any) -> Any:
        self.goals.append(handle.request)
        answer = self._answers[len(self.goals) - 1]
        while answer is None and not handle.is_cancel_requested and not self._ending.wait(0.01):
            pass
        if answer is None:
            self.canceled += 1
            handle.canceled()
            return Result(outcome=Result.CANCELED)
        operated = answer.outcome in (Result.DONE, Result.NOT_VISIBLE)
        (handle.succeed if operated else handle.abort)()
        return answer

    def _give_mark(self, request: Any, response: Any) -> Any:
        assert request.name == 'espresso'
        response.success, response.name = True, request.name
        response.message = 'candidate 1 at 292,48'
        response.marked = self.asked >= self.marked_after
        self.asked += 1
        return response


Bench = Callable[..., tuple[StandInPlanner, Any]]


@pytest.fixture(scope='module')
def tree(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / 'examples' / 'behaviour_tree.py'))


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Starts a planner that gives answers, and a node for the tree."""
    rclpy.init()
    planners, node = [], rclpy.create_node('user')

    def start(*answers: Any, marked_after: int = 3) -> tuple[StandInPlanner, Any]:
        planners.append(StandInPlanner(rclpy.get_default_context(), list(answers), marked_after))
        return planners[0], node

    yield start
    for planner in planners:
        planner.close()
    node.destroy_node()
    rclpy.try_shutdown()


def operate(tree: dict[str, Any], node: Any, goal: Any = GOAL) -> tuple[Status, int, str]:
    status = tree['run'](tree['create_tree'](goal), node, period=0.02)
    return status, Blackboard.get('outcome'), Blackboard.get('message')


@pytest.mark.parametrize(
    ('outcome', 'accepted', 'status'),
    [
        (Result.DONE, False, Status.SUCCESS),
        (Result.NOT_VISIBLE, True, Status.SUCCESS),
        (Result.NOT_VISIBLE, False, Status.FAILURE),
        (Result.OTHER_CHANGED, True, Status.FAILURE),
    ],
)
def test_the_tree_ends_with_the_outcome_of_the_planner(
    tree, bench: Bench, outcome: int, accepted: bool, status: Status
) -> None:
    planner, node = bench(Result(outcome=outcome, message='what came of it'))
    goal = OperateElement.Goal(demonstrations=['espresso'], accept_not_visible=accepted)
    assert operate(tree, node, goal) == (status, outcome, 'what came of it')
    assert planner.goals == [goal]
    assert planner.asked == 0


def test_an_unsure_planner_is_asked_again_when_the_contact_is_marked(
    tree, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    unsure = Result(outcome=Result.UNSURE, message='not sure which part')
    planner, node = bench(unsure, Result(outcome=Result.DONE, message='pulled'))
    assert operate(tree, node) == (Status.SUCCESS, Result.DONE, 'pulled')
    assert planner.goals == [GOAL, GOAL]
    assert planner.asked == 4
    told = capsys.readouterr().out
    assert told.count('Mark the contact in the demonstration espresso') == 1
    assert told.endswith('mark_contact; candidate 1 at 292,48\n')


def test_nobody_is_asked_for_a_mark_that_is_there(tree, bench: Bench) -> None:
    unsure = Result(outcome=Result.UNSURE, message='not sure which part')
    planner, node = bench(unsure, marked_after=0)
    assert operate(tree, node) == (Status.FAILURE, Result.UNSURE, 'not sure which part')
    assert len(planner.goals) == 1


@pytest.mark.parametrize('accepted', [True, False])
def test_an_interrupted_tree_cancels_its_goal(tree, bench: Bench, accepted: bool) -> None:
    planner, node = bench(None)
    grown = tree['create_tree'](GOAL)
    operation = next(iter(grown.root.children))

    def interrupt(_: Any) -> None:
        if (operation.handle is not None) is accepted and operation.sent is not None:
            raise KeyboardInterrupt

    grown.add_post_tick_handler(interrupt)
    with pytest.raises(KeyboardInterrupt):
        tree['run'](grown, node, period=0.02)
    wait_until(lambda: planner.canceled, pause=lambda: rclpy.spin_once(node, timeout_sec=0.01))
    assert (len(planner.goals), planner.canceled) == (1, 1)
