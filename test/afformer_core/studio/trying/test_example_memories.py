# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of examples, which are memorized before they are chosen."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from afformer_core.example_pairs.pair_folder import ExamplePair
from afformer_core.studio.limits import Limits
from afformer_core.studio.model_worker import ModelWorker
from afformer_core.studio.trying import workspace as module
from afformer_core.studio.trying.example_memories import ExampleMemories
from afformer_core.studio.trying.workspace import Workspace

from ..conftest import run


@pytest.fixture
def memories(worker: ModelWorker, files: Path) -> ExampleMemories:
    """Memories of a damaged example, and of `press.mp4`."""
    pairs = [
        ExamplePair('Break', files / 'panel.png', files / 'panel.png'),
        ExamplePair('Press', files / 'press.mp4', files / 'panel.png'),
    ]
    filled = ExampleMemories(worker)
    filled.prepare(lambda: pairs)
    end = time.monotonic() + 100
    while filled.get(files / 'press.mp4') is None and time.monotonic() < end:
        time.sleep(0.05)
    return filled


@pytest.mark.slow
def test_a_chosen_example_is_not_read_again_and_grounds_alike(
    worker: ModelWorker, memories: ExampleMemories, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        reading, ready = Workspace(worker, Limits()), Workspace(worker, Limits(), memories)
        read = await reading.add_demonstration(files / 'press.mp4', 'press.mp4')
        image = await reading.add_image(files / 'panel.png', 'panel.png')
        expected = await reading.ground(image, [read])
        monkeypatch.setattr(module, 'read_limited_demonstration', None)
        monkeypatch.setattr(module, 'memorize_whole', None)
        for _ in range(2):
            chosen = await ready.add_demonstration(files / 'press.mp4', 'press.mp4')
            answer = await ready.ground(image, [chosen])
            assert answer.grounding.peaks == expected.grounding.peaks
            assert answer.grounding.certainty == expected.grounding.certainty
            assert chosen.frame_count == 12
            assert chosen.likeliest == read.likeliest
            ready.remove_demonstration(chosen)

    run(use)
    assert memories.get(files / 'panel.png') is None
