# SPDX-License-Identifier: Apache-2.0
"""The client's side of a goal, without middleware."""

from __future__ import annotations

import threading
from typing import Any


class StandInGoal:
    """A goal that keeps what its client would be told."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.begun = False
        self.feedback: list[Any] = []
        self.ending: Any = None
        self.result: Any = None
        self._ended = threading.Event()

    def begin(self) -> None:
        self.begun = True

    def publish_feedback(self, feedback: Any) -> None:
        self.feedback.append(feedback)

    def end(self, ending: Any, result: Any) -> None:
        self.ending, self.result = ending, result
        self._ended.set()

    def wait(self) -> tuple[Any, bool, str]:
        """Wait for the end; return it with the success and the message of the result."""
        assert self._ended.wait(20.0)
        return self.ending, self.result.success, self.result.message
