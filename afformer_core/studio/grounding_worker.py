# SPDX-License-Identifier: Apache-2.0
"""A model in a thread of its own, which all pages share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from afformer_core.runtime import ArrayGrounder

Result = TypeVar('Result')


class GroundingWorker:
    """The one thread that uses a model, which is not thread-safe; tasks run one after another.

    The model is loaded in that thread at the first task or `warm_up`.

    Args:
        load: function that opens the model.
    """

    def __init__(self, load: Callable[[], ArrayGrounder]) -> None:
        self._load = load
        self._grounder: ArrayGrounder | None = None
        self._thread = ThreadPoolExecutor(1, 'grounding')

    async def run(self, task: Callable[[ArrayGrounder], Result]) -> Result:
        """Run a task with the model, after those before it; what it raises is raised here."""
        return await asyncio.wrap_future(self._thread.submit(lambda: task(self._opened())))

    def submit(self, task: Callable[[ArrayGrounder], None]) -> None:
        """Leave a task to be run, without waiting for it."""
        self._thread.submit(lambda: task(self._opened()))

    def close(self) -> None:
        """End the thread after the task that it runs; those that wait are dropped."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _opened(self) -> ArrayGrounder:
        if self._grounder is None:
            self._grounder = self._load()
        return self._grounder
