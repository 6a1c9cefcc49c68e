# SPDX-License-Identifier: Apache-2.0
"""An action server that answers every goal, in any state of its node."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Protocol

from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

# rclpy.clock_type does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.task import Future

from afformer_core.errors import AfformerError
from afformer_ros.grounding.actions.goal_fields import RefusedGoalError
from afformer_ros.grounding.grounding_worker import WorkerStoppedError

# Seconds between two checks of the time limits of open goals.
_TICK_PERIOD = 0.05
# Seconds for which a late client can still fetch a result, which contains a mask of some
# megabytes.
_RESULT_TIMEOUT = 10
_UNCONFIGURED = 'the node is not configured; configure and activate it'


class Ending(Enum):
    """Final states of goals."""

    SUCCEEDED = 'succeeded'
    ABORTED = 'aborted'
    CANCELED = 'canceled'


@dataclass(frozen=True)
class GoalAnswer:
    """The final state of a goal, and its result."""

    ending: Ending
    result: Any


class OpenGoal:
    """A goal that any thread may end; the first answer is used.

    The executor's thread reports the goal to ROS, and no method blocks it.

    Args:
        handle: goal of rclpy's action server.
        executor: executor that spins the node of the server.

    Attributes:
        request: request of the client.
        answer: future that is done when the goal has ended.
        canceled: whether its client canceled it.
    """

    def __init__(self, handle: ServerGoalHandle[Any, Any, Any], executor: Executor) -> None:
        self.request = handle.request
        self.answer: Future[GoalAnswer] = Future(executor=executor)
        self._handle = handle
        self._executor = executor
        self._lock = threading.Lock()
        self._begun = False
        self.canceled = False

    @property
    def ended(self) -> bool:
        """Whether the goal has its answer."""
        return self.answer.done()

    def begin(self) -> None:
        """Report to the client that its goal is executed, unless this was already reported."""
        with self._lock:
            begun, self._begun = self._begun, True
        if not begun:
            self._executor.create_task(self._handle.execute)

    def end(self, ending: Ending, result: Any) -> bool:
        """Give the answer.

        Returns:
            whether it is the first answer; later ones are ignored.
        """
        with self._lock:
            if self.answer.done():
                return False
            self.answer.set_result(GoalAnswer(ending, result))
        # rclpy accepts answers only for goals that are being executed.
        self.begin()
        self._executor.wake()
        return True

    def fail(self, result: Any) -> bool:
        """Give an answer without success: canceled if its client canceled it, else aborted."""
        return self.end(Ending.CANCELED if self.canceled else Ending.ABORTED, result)

    def publish_feedback(self, feedback: Any) -> None:
        """Send feedback to the client, unless the goal has ended."""
        with self._lock:
            if not self.answer.done():
                self._handle.publish_feedback(feedback)


def failure_text(error: BaseException) -> str:
    """Return the text for an error that ends a goal, which is never empty.

    Errors other than invalid input are unclear without their type, so the text includes it.
    """
    name, text = type(error).__name__, str(error).strip()
    if not text:
        return name
    return text if isinstance(error, (AfformerError, WorkerStoppedError)) else f'{name}: {text}'


class GoalHandler(Protocol):
    """A non-blocking handler of the goals of one action, called by the executor's thread."""

    def take(self, goal: OpenGoal) -> None:
        """Accept a goal, and ensure that it ends.

        Raises:
            RefusedGoalError: the goal is refused.
        """

    def cancel(self, goal: OpenGoal) -> None:
        """End a goal that its client cancels."""

    def tick(self) -> None:
        """End goals whose time is up; called 20 times per second while goals are open."""


class ActionEndpoint:
    """An action of a node with the lifetime of the node.

    It outlives the goal handler, which exists from the configuration to the cleanup, so that
    clients still receive the results of goals that the cleanup ends. Every goal is accepted,
    because a ROS 2 rejection carries no message. A goal that is refused or has no handler is
    aborted at once with the reason.

    Args:
        node: node that offers the action.
        kind: class of the action.
        name: name of the action below the node's.
        failed: fields of a result, besides the reason, if no handler accepts goals.
        refused: those if a goal is refused.
    """

    def __init__(
        self,
        node: Node,
        kind: Any,
        name: str,
        failed: Mapping[str, Any] = MappingProxyType({}),
        refused: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._node = node
        self._name = name
        self._kind = kind
        self._failed = failed
        self._refused = refused
        self._handler: GoalHandler | None = None
        self._unavailable = _UNCONFIGURED
        self._goals: dict[bytes, OpenGoal] = {}
        group = MutuallyExclusiveCallbackGroup()
        # The time of goals advances even while simulated time stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(_TICK_PERIOD, self._tick, group, clock=steady)
        self._timer.cancel()
        self._server: ActionServer[Any, Any, Any] = ActionServer(
            node,
            kind,
            f'~/{name}',
            self._answer,
            callback_group=group,
            handle_accepted_callback=self._accepted,
            cancel_callback=self._cancel,
            result_timeout=_RESULT_TIMEOUT,
        )

    def attach(self, handler: GoalHandler) -> None:
        """Attach a handler for new goals."""
        self._handler = handler

    def detach(self, unavailable: str = _UNCONFIGURED) -> None:
        """Detach the handler, which must already have ended its open goals.

        Args:
            unavailable: reason that later goals receive.
        """
        self._handler, self._unavailable = None, unavailable

    def destroy(self) -> None:
        """Remove the action."""
        self._node.destroy_timer(self._timer)
        self._server.destroy()

    def _accepted(self, handle: ServerGoalHandle[Any, Any, Any]) -> None:
        executor = self._node.executor
        assert executor is not None
        goal = OpenGoal(handle, executor)
        self._goals[bytes(handle.goal_id.uuid)] = goal
        self._timer.reset()
        handler = self._handler
        if handler is None:
            goal.fail(self._kind.Result(message=self._unavailable, **self._failed))
            return
        try:
            handler.take(goal)
        except RefusedGoalError as error:
            self._node.get_logger().warning(f'a goal of {self._name} was rejected: {error}')
            goal.fail(self._kind.Result(message=str(error), **self._refused))

    def _cancel(self, handle: ServerGoalHandle[Any, Any, Any]) -> CancelResponse:
        goal, handler = self._goals.get(bytes(handle.goal_id.uuid)), self._handler
        if goal is not None and handler is not None:
            goal.canceled = True
            handler.cancel(goal)
        # rclpy confuses goals if it may cancel only some of several; the result shows a goal that
        # has already ended.
        return CancelResponse.ACCEPT

    def _tick(self) -> None:
        if self._handler is not None:
            self._handler.tick()
        if not self._goals:
            self._timer.cancel()

    async def _answer(self, handle: ServerGoalHandle[Any, Any, Any]) -> Any:
        key = bytes(handle.goal_id.uuid)
        answer = await self._goals[key].answer
        assert answer is not None
        if answer.ending is Ending.SUCCEEDED:
            handle.succeed()
        elif answer.ending is Ending.CANCELED and handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        del self._goals[key]
        return answer.result
