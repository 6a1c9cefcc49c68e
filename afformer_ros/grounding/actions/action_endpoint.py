# SPDX-License-Identifier: Apache-2.0
"""An action server that answers every goal, in any state of its node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

# rclpy.clock_type does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from afformer_ros.grounding.actions.goal_fields import RefusedGoalError
from afformer_ros.grounding.actions.open_goal import Ending, OpenGoal

# Seconds between two looks at what time has brought to open goals.
_TICK_PERIOD = 0.05
# Seconds for which a client that is late may still fetch a result, with a mask of some megabytes.
_RESULT_TIMEOUT = 10
_UNCONFIGURED = 'the node is not configured; configure and activate it'


class GoalHandler(Protocol):
    """What takes the goals of one action; called by the executor's thread, and never blocks it."""

    def take(self, goal: OpenGoal) -> None:
        """Take a goal, and see that it ends.

        Raises:
            RefusedGoalError: it is not taken.
        """

    def cancel(self, goal: OpenGoal) -> None:
        """End a goal because its client asks for that."""

    def tick(self) -> None:
        """End goals whose time is up; called 20 times a second while there are any."""


class ActionEndpoint:
    """An action of a node, there as long as the node.

    It outlives what takes the goals, which comes with the configuration and goes with the
    cleanup, so that the results of goals which that ends still reach their clients. Since ROS
    rejects goals without a word, every goal is accepted; one that nobody takes or that is refused
    is aborted at once with the reason.

    Args:
        node: node that offers the action.
        kind: class of the action.
        name: name of the action below the node's.
        create_failure: function that makes a result of the reason for which nobody takes goals.
        create_refusal: function that makes a result of the reason for which a goal is refused.
    """

    def __init__(
        self,
        node: Node,
        kind: Any,
        name: str,
        create_failure: Callable[[str], Any],
        create_refusal: Callable[[str], Any],
    ) -> None:
        self._node = node
        self._name = name
        self._create_failure = create_failure
        self._create_refusal = create_refusal
        self._handler: GoalHandler | None = None
        self._unavailable = _UNCONFIGURED
        self._goals: dict[bytes, OpenGoal] = {}
        group = MutuallyExclusiveCallbackGroup()
        # Time passes for goals also while simulated time stands still.
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
        """Have goals taken from now on."""
        self._handler = handler

    def detach(self, unavailable: str = _UNCONFIGURED) -> None:
        """Take no more goals; those that are open have been ended by what took them.

        Args:
            unavailable: what later goals are told.
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
            goal.end(Ending.ABORTED, self._create_failure(self._unavailable))
            return
        try:
            handler.take(goal)
        except RefusedGoalError as error:
            self._node.get_logger().warning(f'a goal of {self._name} was refused: {error}')
            goal.end(Ending.ABORTED, self._create_refusal(str(error)))

    def _cancel(self, handle: ServerGoalHandle[Any, Any, Any]) -> CancelResponse:
        goal, handler = self._goals.get(bytes(handle.goal_id.uuid)), self._handler
        if goal is not None and handler is not None:
            handler.cancel(goal)
        # rclpy mixes goals up where it may cancel some of several; one that has ended anyway is
        # told by its result.
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
