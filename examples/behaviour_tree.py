#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A behavior tree that operates an element, and asks for a mark if the model is not sure of it.

Run it beside the node `grounding` and a `planner` with its parameter `serve`::

    pip install py_trees
    python examples/behaviour_tree.py espresso --action pull

`Operate` and `AskForMark` fit in any tree of py_trees or py_trees_ros. Their setup takes the
keyword `node`, like that of the behaviors of py_trees_ros.
"""

from __future__ import annotations

import argparse
import operator
import sys
from typing import Any

import rclpy
from afformer_ros.action import OperateElement
from afformer_ros.srv import GetDemonstrationFrame
from py_trees.behaviour import Behaviour
from py_trees.behaviours import CheckBlackboardVariableValue
from py_trees.blackboard import Blackboard
from py_trees.common import Access, ComparisonExpression, Status
from py_trees.composites import Selector, Sequence
from py_trees.trees import BehaviourTree
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rclpy.utilities import remove_ros_args

Result = OperateElement.Result
OUTCOMES = {
    getattr(Result, name): name for name in dir(Result) if name.isupper() and name != 'SLOT_TYPES'
}


class Operate(Behaviour):
    """Sends a goal to the planner, and cancels it if the tree interrupts the behavior.

    It succeeds if the outcome is DONE, or NOT_VISIBLE where the goal accepts it. On the blackboard
    it writes the `outcome` and its `message`.

    Args:
        name: name of the behavior.
        goal: demonstrations, action and other fields.
        action_name: name of the planner's action.
    """

    def __init__(
        self, name: str, goal: OperateElement.Goal, action_name: str = 'planner/operate_element'
    ) -> None:
        super().__init__(name)
        self.goal = goal
        self.action_name = action_name
        self.blackboard = self.attach_blackboard_client(name)
        self.blackboard.register_key('outcome', Access.WRITE)
        self.blackboard.register_key('message', Access.WRITE)
        self.sent: Any = None  # the request of the goal; None while no goal is open
        self.handle: Any = None
        self.ended: Any = None  # the result; None until it arrives
        self.canceled: Future[None] | None = None  # done when the planner has answered

    def setup(self, **kwargs: Any) -> None:
        """Wait for the planner."""
        self.client: Any = ActionClient(kwargs['node'], OperateElement, self.action_name)
        if not self.client.wait_for_server(60.0):
            raise RuntimeError(
                f'there is no action {self.action_name}. Start the planner with serve:=true'
            )

    def initialise(self) -> None:
        """Send the goal."""
        self.handle = self.ended = None
        self.feedback_message = 'sent the goal'
        self.sent = self.client.send_goal_async(self.goal, self._hear)
        self.sent.add_done_callback(self._take)

    def update(self) -> Status:
        """Return RUNNING until the result arrives."""
        if self.handle is not None and not self.handle.accepted:
            self._write(Result.REFUSED, 'the planner rejected the goal')
            return Status.FAILURE
        if self.ended is None:
            return Status.RUNNING
        self._write(self.ended.outcome, self.ended.message)
        accepted = {Result.DONE, Result.HELD}
        if self.goal.accept_not_visible:
            accepted.add(Result.NOT_VISIBLE)
        return Status.SUCCESS if self.ended.outcome in accepted else Status.FAILURE

    def terminate(self, new_status: Status) -> None:
        """Cancel an open goal, which halts the arm."""
        if new_status is Status.INVALID and self.status is Status.RUNNING:
            self.sent, self.canceled = None, Future()
            if self.handle is not None:
                self._cancel(self.handle)

    def shutdown(self) -> None:
        """Remove the client."""
        self.client.destroy()

    def _hear(self, told: Any) -> None:
        self.feedback_message = told.feedback.message

    def _take(self, answer: Any) -> None:
        handle = answer.result()
        if answer is not self.sent:  # The behavior was interrupted before the planner answered.
            self._cancel(handle)
            return
        self.handle = handle
        if handle.accepted:
            handle.get_result_async().add_done_callback(
                lambda future: self._end(answer, future.result().result)
            )

    def _end(self, answer: Any, result: Any) -> None:
        if answer is self.sent:
            self.ended = result

    def _cancel(self, handle: Any) -> None:
        canceled = self.canceled
        assert canceled is not None
        if handle.accepted:
            handle.cancel_goal_async().add_done_callback(lambda _: canceled.set_result(None))
        else:
            canceled.set_result(None)

    def _write(self, outcome: int, message: str) -> None:
        self.blackboard.outcome, self.blackboard.message = outcome, message
        self.feedback_message = message


class AskForMark(Behaviour):
    """Asks a person to mark the contact, and succeeds when it is marked.

    It fails if the contact is already marked, because then a mark does not help.

    Args:
        name: name of the behavior.
        demonstration: name of the demonstration; empty: the selected one.
        service: name of the service that returns the mark.
    """

    def __init__(
        self,
        name: str,
        demonstration: str = '',
        service: str = 'grounding/get_demonstration_frame',
    ) -> None:
        super().__init__(name)
        self.demonstration = demonstration
        self.service = service
        self.answer: Any = None
        self.asked = False

    def setup(self, **kwargs: Any) -> None:
        """Create the client."""
        self.client = kwargs['node'].create_client(GetDemonstrationFrame, self.service)

    def initialise(self) -> None:
        """Request the mark."""
        self.asked = False
        self._request()

    def update(self) -> Status:
        """Return RUNNING until the contact is marked."""
        if not self.answer.done():
            return Status.RUNNING
        answer = self.answer.result()
        if not answer.success:
            self.feedback_message = answer.message
            return Status.FAILURE
        if answer.marked:
            return Status.SUCCESS if self.asked else Status.FAILURE
        if not self.asked:
            self.asked = True
            print(
                f'Mark the contact in the demonstration {answer.name}: tap it in the image '
                f'demonstration_frame, or call the service mark_contact; {answer.message}'
            )
        self._request()
        return Status.RUNNING

    def _request(self) -> None:
        request = GetDemonstrationFrame.Request(name=self.demonstration)
        self.answer = self.client.call_async(request)


def create_tree(goal: OperateElement.Goal) -> BehaviourTree:
    """Operate; if the planner is not sure of the part, ask for a mark and operate again."""
    unsure = ComparisonExpression('outcome', Result.UNSURE, operator.eq)
    demonstration = goal.demonstrations[0] if goal.demonstrations else ''
    marked = [
        CheckBlackboardVariableValue('unsure?', unsure),
        AskForMark('ask for a mark', demonstration),
        Operate('operate with the mark', goal),
    ]
    mark = Sequence('mark and operate', memory=True, children=marked)
    ways = [Operate('operate', goal), mark]
    return BehaviourTree(Selector('repeat the demonstration', memory=True, children=ways))


def run(tree: BehaviourTree, node: Node, period: float = 0.1) -> Status:
    """Tick the tree until it ends; if it is interrupted, cancel the goal.

    Args:
        tree: the tree; its setup is done here.
        node: node of its clients, which is spun here.
        period: seconds between two ticks.

    Returns:
        SUCCESS or FAILURE.
    """
    tree.setup(node=node)
    timer = node.create_timer(period, tree.tick)
    try:
        while tree.root.status not in (Status.SUCCESS, Status.FAILURE):
            rclpy.spin_once(node)
        return tree.root.status
    finally:
        node.destroy_timer(timer)
        tree.root.stop(Status.INVALID)
        for behavior in tree.root.iterate():
            if isinstance(behavior, Operate) and behavior.canceled is not None:
                rclpy.spin_until_future_complete(node, behavior.canceled, timeout_sec=5.0)
        tree.shutdown()


def main() -> int:
    """Repeat the demonstrations, print the outcome, and return 0 if the element is operated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('demonstrations', nargs='*', help='names (default: the selected ones)')
    parser.add_argument('--action', default='', help='such as pull')
    parser.add_argument('--attempts', type=int, default=0)
    parser.add_argument('--accept-not-visible', action='store_true')
    arguments = parser.parse_args(remove_ros_args(sys.argv)[1:])
    # With the handlers of rclpy, Ctrl-C would end the context before the goal is canceled.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('behavior_tree')
    try:
        status = run(create_tree(OperateElement.Goal(**vars(arguments))), node)
        outcome, message = Blackboard.get('outcome'), Blackboard.get('message')
        print(f'{OUTCOMES[outcome]}: {message}')
        return int(status is not Status.SUCCESS)
    except KeyboardInterrupt:
        return 130
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
