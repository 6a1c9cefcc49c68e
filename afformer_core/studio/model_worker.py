# SPDX-License-Identifier: Apache-2.0
"""A model in a separate thread, which all pages share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from afformer_core.runtime import ArrayGrounder

Result = TypeVar('Result')


class ModelWorker:
    """The only thread that uses the model, which is not thread-safe; tasks run sequentially.

    The model is loaded in that thread at the first task.

    Args:
        model: folder of the model.
        load: function that opens it.

    Attributes:
        model: folder of the model in use.
    """

    def __init__(self, model: Path, load: Callable[[], ArrayGrounder]) -> None:
        self.model = model
        self._load = load
        self._grounder: ArrayGrounder | None = None
        self._thread = ThreadPoolExecutor(1, 'grounding')

    async def run(self, task: Callable[[ArrayGrounder], Result]) -> Result:
        """Run a task with the model, after earlier tasks; errors of the task are raised here."""
        return await asyncio.wrap_future(self._thread.submit(lambda: task(self._opened())))

    async def use(self, model: Path, load: Callable[[], ArrayGrounder]) -> None:
        """Replace the model after earlier tasks; if it cannot be opened, the old one stays."""

        def replace() -> None:
            self._grounder = load()
            self.model, self._load = model, load

        await asyncio.wrap_future(self._thread.submit(replace))

    def submit(self, task: Callable[[ArrayGrounder], None]) -> None:
        """Submit a task without waiting for it."""
        self._thread.submit(lambda: task(self._opened()))

    def close(self) -> None:
        """End the thread after its current task; waiting tasks are dropped."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _opened(self) -> ArrayGrounder:
        if self._grounder is None:
            self._grounder = self._load()
        return self._grounder
