# SPDX-License-Identifier: Apache-2.0
"""An action server that answers every goal, in any state of its node."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

# rclpy.clock_type does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from afformer_ros.grounding.actions.goal_fields import RefusedGoalError
from afformer_ros.grounding.actions.open_goal import Ending, OpenGoal

# Seconds between two checks of the time limits of open goals.
_TICK_PERIOD = 0.05
# Seconds for which a late client can still fetch a result, which contains a mask of some
# megabytes.
_RESULT_TIMEOUT = 10
_UNCONFIGURED = 'the node is not configured; configure and activate it'


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
