# SPDX-License-Identifier: Apache-2.0
"""A goal without middleware, whose client keeps what it is told."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

from afformer_ros.grounding.actions.action_endpoint import OpenGoal


class StandInGoal(OpenGoal):
    """A goal that is begun by its action, not by its end."""

    def __init__(self, request: Any) -> None:
        self.begun = False
        self.feedback: list[Any] = []
        self._over = threading.Event()
        handle: Any = SimpleNamespace(
            request=request, execute=None, publish_feedback=self.feedback.append
        )
        # A future refers to its executor weakly.
        self._stand_in: Any = Mock()
        super().__init__(handle, self._stand_in)

    def begin(self) -> None:
        self.begun = self.begun or not self.ended
        super().begin()

    def end(self, ending: Any, result: Any) -> bool:
        first = super().end(ending, result)
        self._over.set()
        return first

    def cancel_at(self, action: Any) -> None:
        """Cancel the goal as its client does."""
        self.canceled = True
        action.cancel(self)

    @property
    def ending(self) -> Any:
        return self.answer.result().ending if self.ended else None

    @property
    def result(self) -> Any:
        return self.answer.result().result if self.ended else None

    def wait(self) -> tuple[Any, bool, str]:
        """Wait for the end; return it with the success and the message of the result."""
        assert self._over.wait(20.0)
        return self.ending, self.result.success, self.result.message
