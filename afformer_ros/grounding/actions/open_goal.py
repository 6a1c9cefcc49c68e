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
