# SPDX-License-Identifier: Apache-2.0
"""The action `~/operate_element` of the planner, one goal at a time."""

from __future__ import annotations

import threading
import traceback

from geometry_msgs.msg import Point
from rclpy.node import Node
from sensor_msgs.msg import RegionOfInterest

from afformer_core.actions import ACTIONS
from afformer_core.changes.outcome import Seen
from afformer_core.errors import AfformerError
from afformer_ros.action import OperateElement
from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.actions.goal_fields import RefusedGoalError, names_of
from afformer_ros.grounding.actions.open_goal import Ending, OpenGoal, failure_text
from afformer_ros.msg import OperationAttempt
from afformer_ros.planner.element_operator import ElementOperator
from afformer_ros.planner.next_attempt import Attempted
from afformer_ros.planner.operation import Operation, OperationReport
from afformer_ros.planner.waiting import Waiting

_Result = OperateElement.Result
NAME = 'operate_element'
_MOST_ATTEMPTS = 10
# Seconds for the last operation to end, when the planner is closed.
_CLOSING = 3.0
_SEEN = {
    Seen.DONE: OperationAttempt.DONE,
    Seen.NOT_DONE: OperationAttempt.NOT_DONE,
    Seen.OTHER_CHANGED: OperationAttempt.OTHER_CHANGED,
    Seen.NOT_VISIBLE: OperationAttempt.NOT_VISIBLE,
}


class OperateAction:
    """A server of the action, whose operations run in threads of their own.

    Args:
        node: node that offers the action; another thread must spin it.
        operator: looks and acts.
        waiting: waits of the operator, which canceling interrupts.
        frame: frame of the arm's base.
        attempts: maximum number of attempts of goals that do not give one.
    """

    def __init__(
        self,
        node: Node,
        operator: ElementOperator,
        waiting: Waiting,
        frame: str,
        attempts: int,
    ) -> None:
        self._node = node
        self._operator = operator
        self._waiting = waiting
        self._frame = frame
        self._attempts = attempts
        self._lock = threading.Lock()
        self._current: OpenGoal | None = None
        self._running = self._canceled = False
        self._thread: threading.Thread | None = None
        self._endpoint = ActionEndpoint(
            node,
            OperateElement,
            NAME,
            {'outcome': _Result.STOPPED},
            {'outcome': _Result.REFUSED},
        )
        self._endpoint.attach(self)

    def close(self) -> bool:
        """Wait for the last operation, whose waits have ended; return whether it has ended."""
        self._endpoint.detach('the planner was stopped')
        if self._thread is not None:
            self._thread.join(_CLOSING)
        return self._thread is None or not self._thread.is_alive()

    def take(self, goal: OpenGoal) -> None:
        """Start an operation.

        Raises:
            RefusedGoalError: a field is out of its range, or another goal is open.
        """
        request = goal.request
        names = names_of(request.demonstrations)
        if request.action and request.action not in ACTIONS:
            raise RefusedGoalError(
                f'action is {request.action!r}; expected one of {", ".join(ACTIONS)}, or nothing'
            )
        if request.attempts > _MOST_ATTEMPTS:
            raise RefusedGoalError(
                f'attempts is {request.attempts}; expected at most {_MOST_ATTEMPTS}'
            )
        with self._lock:
            if self._current is not None:
                raise RefusedGoalError('another goal is open. Wait for its result, or cancel it')
            self._current, self._running, self._canceled = goal, True, False
        goal.begin()
        arguments = (goal, names, request.action, request.attempts or self._attempts)
        self._thread = threading.Thread(target=self._run, args=arguments, name='operation')
        self._thread.start()

    def cancel(self, goal: OpenGoal) -> None:
        """End the waits of the goal's operation, which halts the arm."""
        with self._lock:
            if goal is self._current and self._running:
                self._canceled = True
                self._waiting.interrupt('the goal was canceled')

    def tick(self) -> None:
        """Do nothing: an operation ends by its own time limits."""

    def _run(self, goal: OpenGoal, names: tuple[str, ...], action: str, attempts: int) -> None:
        def report(step: int, attempt: int, message: str) -> None:
            feedback = OperateElement.Feedback(step=step, attempt=attempt, message=message)
            goal.publish_feedback(feedback)
            self._node.get_logger().info(f'attempt {attempt}: {message}')

        try:
            ended = Operation(self._operator, report).run(names, action, attempts)
        except Exception as error:  # noqa: BLE001
            if not isinstance(error, AfformerError):
                traceback.print_exc()
            ended = OperationReport(_Result.STOPPED, failure_text(error), ())
        self._finish(goal, ended)

    def _finish(self, goal: OpenGoal, ended: OperationReport) -> None:
        with self._lock:
            canceled, stop = self._canceled, self._waiting.why_stopped
            self._running = False
            self._waiting.resume()
        outcome, message = ended.outcome, ended.message
        ending = Ending.SUCCEEDED
        if stop:
            outcome = _Result.CANCELED if canceled else _Result.STOPPED
            message = f'{stop}: {message}' if stop not in message else message
            ending = Ending.CANCELED if canceled else Ending.ABORTED
        elif not ended.succeeded:
            ending = Ending.ABORTED
        self._operator.come_to_rest()
        with self._lock:
            self._current = None
        attempts = [attempt_message(attempt, self._frame) for attempt in ended.attempts]
        goal.end(ending, _Result(outcome=outcome, message=message, attempts=attempts))
        self._node.get_logger().info(f'operation ended: {message}')


def attempt_message(attempt: Attempted, frame: str) -> OperationAttempt:
    """Describe an attempt in a message."""
    contact, observed = attempt.attempt.contact, attempt.observed
    x, y, z = contact.point.tolist()
    u, v = contact.pixel or (float('nan'), float('nan'))
    message = OperationAttempt(
        action=contact.action,
        way=attempt.attempt.way,
        frame=frame,
        position=Point(x=x, y=y, z=z),
        u=u,
        v=v,
        felt=attempt.felt.done,
        felt_text=str(attempt.felt),
        seen=_SEEN[observed.seen],
        seen_text=str(observed),
        changed_here=observed.here,
        changed_elsewhere=observed.elsewhere,
    )
    if observed.box is not None:
        left, top, width, height = observed.box
        message.region = RegionOfInterest(
            x_offset=max(left, 0), y_offset=max(top, 0), width=width, height=height
        )
    return message
