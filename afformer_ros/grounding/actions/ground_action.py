# SPDX-License-Identifier: Apache-2.0
"""The goals of the action `~/ground_demonstration`, from their acceptance to their results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from rclpy.node import Node
from std_msgs.msg import Header

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.state import DemonstrationState, join_names
from afformer_core.errors import DemonstrationError
from afformer_core.outputs.results import Placement
from afformer_core.stream.pipeline import ComposedResult
from afformer_ros.grounding.actions.action_endpoint import (
    ActionEndpoint,
    Ending,
    OpenGoal,
    failure_text,
)
from afformer_ros.grounding.actions.goal_fields import GoalClock, RefusedGoalError, age_problem
from afformer_ros.grounding.actions.ground_goal import GoalOutcome, GroundCriteria, GroundGoal
from afformer_ros.grounding.frame_transforms import FrameTransforms
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.grounding.parameters import GroundingParameters

_INACTIVE = 'the node is not active; activate it'


class GroundAction:
    """A handler that processes goals one after another, each with its own images.

    The executor's thread provides goals and the time, and the worker's thread provides
    demonstrations and images. The first event that ends a goal determines its result.

    Args:
        endpoint: action of the node.
        node: node whose clock and log are used.
        read_parameters: function that reads the current parameters.
        worker: worker that owns the demonstrations.
        transforms: transforms to frames other than that of the topic.
        why_no_image: function that returns the reason why no image is grounded at the moment;
            empty if unknown.

    Attributes:
        goals: goals without a result: the current one, for which images must be grounded even
            without subscribers, and those that wait.
    """

    def __init__(
        self,
        endpoint: ActionEndpoint,
        node: Node,
        read_parameters: Callable[[], GroundingParameters],
        worker: GroundingWorker[DemonstrationLibrary],
        transforms: FrameTransforms,
        why_no_image: Callable[[], str],
    ) -> None:
        self._endpoint = endpoint
        self._node = node
        self._read_parameters = read_parameters
        self._worker = worker
        self._transforms = transforms
        self._why_no_image = why_no_image
        self._lock = threading.RLock()
        self.goals: list[GroundGoal] = []
        self._stopped = _INACTIVE
        endpoint.attach(self)

    def activate(self) -> None:
        """Start to accept goals."""
        with self._lock:
            self._stopped = ''

    def deactivate(self, reason: str) -> None:
        """End all goals, and every later one.

        Args:
            reason: reason that their clients receive.
        """
        with self._lock:
            self._stopped = _INACTIVE
            self._end_all(GoalOutcome.STOPPED, reason)

    def close(self, reason: str) -> None:
        """End all goals, and accept no more."""
        self.deactivate(reason)
        self._endpoint.detach()

    def take(self, goal: OpenGoal) -> None:
        """Accept a goal, which starts when the previous ones have ended.

        Raises:
            RefusedGoalError: a field is out of range, or the goal policy refuses it.
        """
        parameters = self._read_parameters()
        criteria = GroundCriteria.of(goal.request, parameters)
        if self.goals and parameters.goal_policy == 'refuse':
            raise RefusedGoalError('another goal is open, and goal_policy is refuse')
        clock = GoalClock(self._now, time.monotonic)
        one = GroundGoal(goal, criteria, clock)
        with self._lock:
            if parameters.goal_policy == 'replace':
                self._end_all(GoalOutcome.REPLACED, 'a later goal replaced it')
            self.goals.append(one)
            if self._stopped:
                self._end(one, one.result(GoalOutcome.STOPPED, self._stopped))
                return
            if frame := criteria.target_frame:
                self._transforms.listen()
                one.placement = Placement(frame, None, 'it was measured before the goal')
            self._begin_first()
        prepared = self._worker.submit(partial(_prepare, criteria))
        prepared.add_done_callback(partial(self._prepared, one))

    def cancel(self, goal: OpenGoal) -> None:
        """End a goal that its client cancels."""
        with self._lock:
            for matching in [open_goal for open_goal in self.goals if open_goal.goal is goal]:
                self._end(
                    matching, matching.result(GoalOutcome.CANCELED, 'its client canceled it')
                )

    def tick(self) -> None:
        """End goals whose time is up, including those that wait."""
        with self._lock:
            first = self.goals[0] if self.goals else None
            for open_goal in list(self.goals):
                if open_goal.clock.elapsed() >= open_goal.criteria.timeout:
                    reason = (
                        self._why_none(open_goal) if open_goal is first else 'others came first'
                    )
                    self._end(open_goal, open_goal.timed_out(reason))

    def demonstrations_changed(self, state: DemonstrationState) -> None:
        """End goals whose demonstrations were deleted."""
        with self._lock:
            for open_goal in list(self.goals):
                for name in open_goal.names:
                    if name not in state.names:
                        message = f'the demonstration {name!r} was deleted'
                        self._end(open_goal, open_goal.result(GoalOutcome.UNKNOWN, message))

    def current(self, received: float) -> GroundGoal | None:
        """Return the goal for which an image counts, if there is one.

        Args:
            received: arrival of the image, monotonic seconds.
        """
        with self._lock:
            if self.goals and self.goals[0].names and self.goals[0].begun <= received:
                return self.goals[0]
            return None

    def placement(self, one: GroundGoal, header: Header) -> Placement | None:
        """Look up the frame in which a goal requests positions; None: that of the topic."""
        frame = one.criteria.target_frame
        return self._transforms.placement_in(frame, header) if frame else None

    def grounded(
        self, one: GroundGoal, composed: ComposedResult, placement: Placement | None
    ) -> None:
        """Process the result of an image that counts for a goal.

        Args:
            one: the goal.
            composed: result of the image.
            placement: result of `placement` for this image.
        """
        if not composed.result.held:
            one.placement = placement
        messages = composed.messages
        if one.placement is not None:
            messages = messages.placed(one.placement)
        affordance = messages.create('affordance')
        stamp, maximum = composed.frame.stamp, one.criteria.maximum_age
        problem = age_problem(stamp, self._now(), maximum)
        with self._lock:
            if one not in self.goals:
                return
            enough = one.add(affordance, partial(messages.create, 'mask'), problem)
            one.goal.publish_feedback(one.feedback())
            if enough:
                self._end(one, one.found())

    def failed(self, one: GroundGoal, error: DemonstrationError) -> None:
        """End a goal whose demonstrations cannot be grounded."""
        with self._lock:
            self._end(one, one.result(GoalOutcome.UNKNOWN, failure_text(error)))

    def _prepared(self, one: GroundGoal, prepared: Future[tuple[str, ...]]) -> None:
        error = prepared.exception()
        with self._lock:
            if error is None:
                one.names = prepared.result()
                return
            outcome = GoalOutcome.STOPPED
            if isinstance(error, DemonstrationError):
                outcome = GoalOutcome.UNKNOWN
            elif isinstance(error, RefusedGoalError):
                outcome = GoalOutcome.REFUSED
            self._end(one, one.result(outcome, failure_text(error)))

    def _now(self) -> int:
        return self._node.get_clock().now().nanoseconds

    def _why_none(self, one: GroundGoal) -> str:
        """Explain why no image was grounded for the current goal."""
        if reason := self._why_no_image():
            return reason
        if not one.names:
            return 'its demonstrations are being memorized'
        waited = time.monotonic() - one.begun
        return (
            f'none arrived, or none was ready in time, in the {waited:.1f} s since its turn came'
        )

    def _begin_first(self) -> None:
        if self.goals and self.goals[0].begun > time.monotonic():
            self.goals[0].begun = time.monotonic()
            self.goals[0].goal.begin()

    def _end_all(self, outcome: GoalOutcome, message: str) -> None:
        goals, self.goals = self.goals, []
        for open_goal in goals:
            self._answer(open_goal, open_goal.result(outcome, message))

    def _end(self, one: GroundGoal, result: Any) -> None:
        if one not in self.goals:
            return
        self.goals.remove(one)
        self._answer(one, result)
        self._begin_first()

    def _answer(self, one: GroundGoal, result: Any) -> None:
        if result.outcome == GoalOutcome.FOUND:
            one.goal.end(Ending.SUCCEEDED, result)
        else:
            one.goal.fail(result)
        self._node.get_logger().info(f'ground_demonstration: {result.message}')


def _prepare(criteria: GroundCriteria, library: DemonstrationLibrary) -> tuple[str, ...]:
    criteria.check_action(library.configuration.action_names)
    return library.prepare(join_names(criteria.demonstrations))
