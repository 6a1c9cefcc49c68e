# SPDX-License-Identifier: Apache-2.0
"""Goals of the action `~/load_demonstration`: files are read one after another, in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node

from afformer_core.demonstrations.state import Summary
from afformer_ros.action import LoadDemonstration
from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.actions.goal_fields import RefusedGoalError, name_of
from afformer_ros.grounding.actions.open_goal import Ending, OpenGoal, failure_text
from afformer_ros.grounding.demonstrations.demonstration_loader import DemonstrationLoader
from afformer_ros.grounding.demonstrations.summary_fields import fill_summary

# Seconds between two looks at whether a loading that waits for the worker has to stop.
_POLL_PERIOD = 0.1
# Seconds between two messages of feedback.
_FEEDBACK_PERIOD = 0.1


class _StoppedError(Exception):
    """The loading has to stop; the text says why."""


@dataclass
class _LoadGoal:
    """A goal, and what it waits for.

    Attributes:
        goal: its client's side.
        stop: why it has to end; empty: it goes on.
        canceled: whether its client asks for that.
        told: when the client was told how far it is, monotonic seconds.
    """

    goal: OpenGoal
    stop: str = ''
    canceled: bool = False
    told: float = 0.0

    def check(self) -> None:
        """Raise an error where the loading has to stop."""
        if self.stop:
            raise _StoppedError(
                f'the loading of {self.goal.request.path!r} was dropped: {self.stop}'
            )

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
        """Tell the client how far the reading is."""
        self.check()
        now = time.monotonic()
        if share == 1.0 or now - self.told > _FEEDBACK_PERIOD:
            self.told = now
            feedback = LoadDemonstration.Feedback(frames=frames, progress=share)
            self.goal.publish_feedback(feedback)


class LoadAction:
    """Takes goals one after another.

    Args:
        endpoint: action of the node.
        node: node whose log is used.
        loader: reads and adds.
        last_message: what was last told of the demonstrations.
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
        """Take a goal; its file is read when those before it are.

        Raises:
            RefusedGoalError: it names no file, or the demonstration cannot have its name.
        """
        request = goal.request
        if not request.path:
            raise RefusedGoalError('path is empty; expected a video, a folder of images or a bag')
        if request.name:
            name_of(request.name)
        goal.begin()
        one = _LoadGoal(goal)
        with self._lock:
            if self._closed:
                goal.end(Ending.ABORTED, failed_loading(self._closed))
            else:
                self._goals[goal] = one, self._pool.submit(self._load, one)

    def cancel(self, goal: OpenGoal) -> None:
        """Stop a loading because its client asks for that."""
        with self._lock:
            if goal in self._goals:
                self._goals[goal][0].canceled = True
                self._stop(goal, 'its client canceled it')

    def tick(self) -> None:
        """Do nothing: a loading takes as long as it takes."""

    def close(self, reason: str, timeout: float) -> bool:
        """Stop all loadings, and take no more.

        Args:
            reason: what their clients are told.
            timeout: seconds to wait for them.

        Returns:
            whether they ended.
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
            # A file that cannot be read on cannot be left either.
            for goal in self._goals:
                goal.end(Ending.ABORTED, failed_loading(reason))
        return ended

    def _stop(self, goal: OpenGoal, reason: str) -> None:
        one, loading = self._goals[goal]
        one.stop = reason
        if loading.cancel():
            # Its turn had not come.
            del self._goals[goal]
            one.goal.end(_failure(one), failed_loading(reason))

    def _load(self, one: _LoadGoal) -> None:
        request = one.goal.request
        try:
            summary = self._loader.load(
                request.path, request.name, one.wait, one.progress, one.check
            )
        # Whatever it is, the client is told.
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
        one.goal.end(_failure(one), failed_loading(message))
        self._node.get_logger().info(f'load_demonstration: {message}')


def _failure(one: _LoadGoal) -> Ending:
    return Ending.CANCELED if one.canceled else Ending.ABORTED


def failed_loading(reason: str) -> LoadDemonstration.Result:
    """Create the result of a goal that gave no demonstration."""
    return LoadDemonstration.Result(success=False, message=reason)
