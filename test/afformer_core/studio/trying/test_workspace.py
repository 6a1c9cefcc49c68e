# SPDX-License-Identifier: Apache-2.0
"""Demonstrations and images of a page, which it gives back when it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.runtime import Grounder
from afformer_core.studio.grounding_worker import GroundingWorker
from afformer_core.studio.limits import Limits
from afformer_core.studio.trying.workspace import Workspace


@pytest.fixture
def worker(shipped_model: Path) -> Iterator[GroundingWorker]:
    started = GroundingWorker(lambda: Grounder.load(shipped_model, threads=1))
    yield started
    started.close()


def run(task: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run in a thread of its own: a browser of other tests has an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(task())).result()


def test_a_page_that_is_closed_leaves_nothing_in_the_model(
    worker: GroundingWorker, files: Path
) -> None:
    async def use() -> None:
        first, other = Workspace(worker, Limits()), Workspace(worker, Limits())
        await first.add_demonstration(files / 'press.mp4', 'press.mp4')
        kept = await other.add_demonstration(files / 'press.mp4', 'press.mp4')
        first.close()
        # Its tab was closed while this one was being read.
        await first.add_demonstration(files / 'turn.mp4', 'turn.mp4')

        assert await worker.run(lambda grounder: grounder.demonstrations) == (kept.key,)

    run(use)


def test_a_page_holds_so_many_and_no_more(worker: GroundingWorker, files: Path) -> None:
    async def use() -> None:
        workspace = Workspace(worker, Limits(demonstrations=1, images=1))
        video = files / 'press.mp4'
        added = [workspace.add_demonstration(video, 'press.mp4') for _ in range(2)]
        first, second = await asyncio.gather(*added, return_exceptions=True)
        await workspace.add_image(files / 'panel.png', 'panel.png')

        assert [first] == workspace.demonstrations
        assert isinstance(second, DemonstrationError)
        with pytest.raises(ImageError, match='the page holds 1 images'):
            await workspace.add_image(files / 'panel.png', 'panel.png')

    run(use)
