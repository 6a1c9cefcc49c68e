# SPDX-License-Identifier: Apache-2.0
"""The goals of the action `~/load_demonstration`, whose files a thread reads one after another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node

from afformer_core.demonstrations.selection import validated_name
from afformer_core.demonstrations.state import Summary
from afformer_ros.action import LoadDemonstration
from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.actions.goal_fields import RefusedGoalError, refused_if_invalid
from afformer_ros.grounding.actions.open_goal import Ending, OpenGoal, failure_text
from afformer_ros.grounding.demonstrations.demonstration_loader import DemonstrationLoader
from afformer_ros.grounding.demonstrations.summary_fields import fill_summary

# Seconds between two checks of whether a loading that waits for the worker must stop.
_POLL_PERIOD = 0.1
# Seconds between two messages of feedback.
_FEEDBACK_PERIOD = 0.1


class _StoppedError(Exception):
    """Raised if the loading must stop; the text gives the reason."""


@dataclass
class _LoadGoal:
    """A goal and its state.

    Attributes:
        goal: goal of the client.
        stop: reason why it must end; empty: it continues.
        told: time of the last feedback, monotonic seconds.
    """

    goal: OpenGoal
    stop: str = ''
    told: float = 0.0

    def check(self) -> None:
        """Raise an error if the loading must stop."""
        if self.stop:
            raise _StoppedError(f'the loading of {self.goal.request.path!r} stopped: {self.stop}')

    def wait(self, command: Future[Any]) -> Any:
        """Wait for the result of a command of the worker."""
        while True:
            try:
                return command.result(_POLL_PERIOD)
            except FutureTimeoutError:
                if command.done():
                    raise
                self.check()

    def progress(self, frames: int, share: float) -> None:
        """Send the progress of reading to the client."""
        self.check()
        now = time.monotonic()
        if share == 1.0 or now - self.told > _FEEDBACK_PERIOD:
            self.told = now
            feedback = LoadDemonstration.Feedback(frames=frames, progress=share)
            self.goal.publish_feedback(feedback)


class LoadAction:
    """A handler that processes goals one after another.

    Args:
        endpoint: action of the node.
        node: node whose log is used.
        loader: reads files and adds demonstrations.
        last_message: function that returns the last message about the demonstrations.
    """

    def __init__(
        self,
        endpoint: ActionEndpoint,
        node: Node,
        loader: DemonstrationLoader,
        last_message: Callable[[], str],
    ) -> None:
        self._endpoint = endpoint
        self._node = node
        self._loader = loader
        self._last_message = last_message
        self._lock = threading.Lock()
        self._goals: dict[OpenGoal, tuple[_LoadGoal, Future[None]]] = {}
        self._closed = ''
        self._pool = ThreadPoolExecutor(1, thread_name_prefix='loading')
        endpoint.attach(self)

    def take(self, goal: OpenGoal) -> None:
        """Accept a goal, whose file is read after those of previous goals.

        Raises:
            RefusedGoalError: the goal has no file, or the name of the demonstration is invalid.
        """
        request = goal.request
        if not request.path:
            raise RefusedGoalError('path is empty; expected a video, a folder of images or a bag')
        if request.name:
            with refused_if_invalid():
                validated_name(request.name)
        goal.begin()
        one = _LoadGoal(goal)
        with self._lock:
            if self._closed:
                goal.fail(LoadDemonstration.Result(message=self._closed))
            else:
                self._goals[goal] = one, self._pool.submit(self._load, one)

    def cancel(self, goal: OpenGoal) -> None:
        """Stop a loading that its client cancels."""
        with self._lock:
            if goal in self._goals:
                self._stop(goal, 'its client canceled it')

    def tick(self) -> None:
        """Do nothing, because loading has no time limit."""

    def close(self, reason: str, timeout: float) -> bool:
        """Stop all loadings, and accept no more goals.

        Args:
            reason: reason that their clients receive.
            timeout: maximum time to wait for them, in seconds.

        Returns:
            whether all have ended.
        """
        self._endpoint.detach()
        with self._lock:
            self._closed = reason
            loadings = [loading for _, loading in self._goals.values()]
            for goal in list(self._goals):
                self._stop(goal, reason)
        self._pool.shutdown(wait=False)
        ended = not wait(loadings, timeout).not_done
        with self._lock:
            # A read that blocks cannot be interrupted either.
            for goal in self._goals:
                goal.fail(LoadDemonstration.Result(message=reason))
        return ended

    def _stop(self, goal: OpenGoal, reason: str) -> None:
        one, loading = self._goals[goal]
        one.stop = reason
        if loading.cancel():
            # It was still waiting.
            del self._goals[goal]
            goal.fail(LoadDemonstration.Result(message=reason))

    def _load(self, one: _LoadGoal) -> None:
        request = one.goal.request
        try:
            summary = self._loader.load(
                request.path, request.name, one.wait, one.progress, one.check
            )
        # Any error is reported to the client.
        except Exception as error:  # noqa: BLE001
            self._end(one, error)
        else:
            self._succeed(one, summary)
        with self._lock:
            self._goals.pop(one.goal, None)

    def _succeed(self, one: _LoadGoal, summary: Summary) -> None:
        result = LoadDemonstration.Result(success=True, message=self._last_message())
        one.goal.end(Ending.SUCCEEDED, fill_summary(result, summary))

    def _end(self, one: _LoadGoal, error: Exception) -> None:
        message = str(error) if isinstance(error, _StoppedError) else failure_text(error)
        one.goal.fail(LoadDemonstration.Result(message=message))
        self._node.get_logger().info(f'load_demonstration: {message}')
