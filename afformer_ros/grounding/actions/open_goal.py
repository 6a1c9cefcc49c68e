# SPDX-License-Identifier: Apache-2.0
"""A goal of an action between its acceptance and its result."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rclpy.action.server import ServerGoalHandle
from rclpy.executors import Executor
from rclpy.task import Future

from afformer_core.errors import AfformerError
from afformer_ros.grounding.grounding_worker import WorkerStoppedError


class Ending(Enum):
    """State in which a goal ends."""

    SUCCEEDED = 'succeeded'
    ABORTED = 'aborted'
    CANCELED = 'canceled'


@dataclass(frozen=True)
class Answer:
    """How a goal ends, and the action's result."""

    ending: Ending
    result: Any


class OpenGoal:
    """A goal that any thread may end; the first answer counts.

    What ROS is told of a goal is told by the executor's thread, which nothing here blocks.

    Args:
        handle: goal of rclpy's action server.
        executor: executor that spins the node of the server.

    Attributes:
        request: what the client asked for.
        answer: done once the goal has ended.
    """

    def __init__(self, handle: ServerGoalHandle[Any, Any, Any], executor: Executor) -> None:
        self.request = handle.request
        self.answer: Future[Answer] = Future(executor=executor)
        self._handle = handle
        self._executor = executor
        self._lock = threading.Lock()
        self._begun = False

    @property
    def ended(self) -> bool:
        """Whether the goal has its answer."""
        return self.answer.done()

    def begin(self) -> None:
        """Tell the client that its goal is executed, where that was not told before."""
        with self._lock:
            begun, self._begun = self._begun, True
        if not begun:
            self._executor.create_task(self._handle.execute)

    def end(self, ending: Ending, result: Any) -> bool:
        """Give the answer.

        Returns:
            whether it is the first one; else nothing is done.
        """
        with self._lock:
            if self.answer.done():
                return False
            self.answer.set_result(Answer(ending, result))
        # rclpy takes the answer of a goal that is executed alone.
        self.begin()
        self._executor.wake()
        return True

    def publish_feedback(self, feedback: Any) -> None:
        """Tell the client how far its goal is, unless it has ended."""
        with self._lock:
            if not self.answer.done():
                self._handle.publish_feedback(feedback)


def failure_text(error: BaseException) -> str:
    """Return what a client is told of an error that ends its goal; never empty.

    The texts of errors that are no bad input mean little without their names.
    """
    name, text = type(error).__name__, str(error).strip()
    if not text:
        return name
    return text if isinstance(error, (AfformerError, WorkerStoppedError)) else f'{name}: {text}'
