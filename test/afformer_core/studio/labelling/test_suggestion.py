# SPDX-License-Identifier: Apache-2.0
"""Suggestions of the model for the pairs of a page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.runtime import Grounding, Peak
from afformer_core.studio.labelling import suggestion
from afformer_core.studio.labelling.point_labels import LabelledPair
from afformer_core.studio.labelling.suggestion import Suggester
from afformer_core.studio.limits import LimitedImage
from afformer_core.studio.model_worker import ModelWorker

# Of a file of twice the width and height.
IMAGE = LimitedImage(np.zeros((24, 32, 3), np.uint8), (64, 48))
DEMONSTRATION = MediaFrames((IMAGE.image,), 1, 0.0)


class GrounderDouble:
    """Always the same grounding; remembers what it was asked."""

    presence_threshold: float | None = None
    presence: float | None = 0.5
    action_threshold: float | None = None

    def __init__(self) -> None:
        self.asked: list[str] = []

    def delete_demonstration(self, name: str) -> None:
        self.asked.append('forget')

    def predict(self, image: Any, name: str) -> GrounderDouble:
        assert image is IMAGE.image
        self.asked.append('ground')
        return self

    def grounding(self, source_size: tuple[int, int], maximum_peaks: int) -> Grounding:
        assert source_size == (48, 64)
        peaks = (Peak(-0.4, 47.3, 0.6), Peak(20, 30, 0.3), Peak(40, 30, 0.29))
        scores = {'pull': 0.7, 'press': 0.2, 'turn': 0.1}
        return Grounding(
            np.ones((4, 4), np.float32),
            (48, 64),
            scores,
            peaks,
            0.6,
            0.5,
            self.presence,
            action_threshold=self.action_threshold,
            presence_threshold=self.presence_threshold,
        )


@pytest.fixture
def grounder(monkeypatch: pytest.MonkeyPatch) -> GrounderDouble:
    double = GrounderDouble()

    def memorize(media: MediaFrames, name: str, grounder: GrounderDouble) -> None:
        assert media is DEMONSTRATION
        assert grounder is double
        double.asked.append('memorize')

    monkeypatch.setattr(suggestion, 'memorize_whole', memorize)
    return double


@pytest.fixture
def worker(grounder: GrounderDouble) -> Iterator[ModelWorker]:
    load: Any = lambda: grounder  # noqa: E731
    started = ModelWorker(load)
    yield started
    started.close()


def run(task: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run in a thread of its own: a browser of other tests has an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(task())).result()


def pair(demonstration: str, image: str) -> LabelledPair:
    return LabelledPair(Path('cup/points.csv'), Path(demonstration), Path(image))


def test_the_best_peaks_and_the_best_action_that_may_be_used(worker: ModelWorker) -> None:
    async def use() -> None:
        suggester = Suggester(worker, ('turn', 'press'))
        found = await suggester.suggest(pair('a.mp4', 'a.png'), DEMONSTRATION, IMAGE, lambda: True)
        assert found is not None
        assert found.points == ((0, 47.3), (20, 30))
        assert found.scores == (0.6, 0.3)
        assert found.action == 'press'
        assert not found.doubtful

    run(use)


def test_no_action_is_suggested_where_the_model_knows_none(
    worker: ModelWorker, grounder: GrounderDouble
) -> None:
    grounder.action_threshold = 0.71

    async def use() -> None:
        suggester = Suggester(worker, ('turn', 'pull'))
        pairs = pair('a.mp4', 'a.png')
        found = await suggester.suggest(pairs, DEMONSTRATION, IMAGE, lambda: True)
        assert found is not None
        assert found.action == ''

    run(use)


def test_a_demonstration_is_memorized_once_and_forgotten_with_the_page(
    worker: ModelWorker, grounder: GrounderDouble
) -> None:
    async def use() -> None:
        suggester = Suggester(worker, None)
        for one in (pair('a.mp4', 'a.png'), pair('a.mp4', 'b.png'), pair('b.mp4', 'b.png')):
            await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: True)
        suggester.close()
        await worker.run(lambda _: None)

    run(use)
    assert grounder.asked == ['memorize', 'ground', 'ground', 'memorize', 'ground', 'forget']


@pytest.mark.parametrize(
    ('presence', 'doubtful'), [(0.29, True), (0.3, False), (0.8, False), (None, False)]
)
def test_what_is_not_in_view_is_doubtful(
    presence: float | None,
    doubtful: bool,
    worker: ModelWorker,
    grounder: GrounderDouble,
) -> None:
    grounder.presence_threshold = 0.3
    grounder.presence = presence

    async def use() -> None:
        suggester = Suggester(worker, None)
        found = await suggester.suggest(pair('a.mp4', 'a.png'), DEMONSTRATION, IMAGE, lambda: True)
        assert found is not None
        assert found.doubtful is doubtful

    run(use)


def test_demonstrations_of_one_name_in_two_folders_are_two(
    worker: ModelWorker, grounder: GrounderDouble
) -> None:
    async def use() -> None:
        suggester = Suggester(worker, None)
        for demonstration in ('cup/press.mp4', 'lamp/press.mp4', 'lamp/press.mp4'):
            await suggester.suggest(
                pair(demonstration, 'a.png'), DEMONSTRATION, IMAGE, lambda: True
            )

    run(use)
    assert grounder.asked == ['memorize', 'ground', 'memorize', 'ground', 'ground']


def test_a_pair_that_is_left_before_its_turn_costs_nothing(
    worker: ModelWorker, grounder: GrounderDouble
) -> None:
    async def use() -> None:
        suggester = Suggester(worker, None)
        one = pair('a.mp4', 'a.png')
        assert await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: False) is None
        suggester.close()
        assert await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: True) is None

    run(use)
    assert grounder.asked == []


def test_a_suggestion_that_is_late_for_its_pair_is_dropped(
    worker: ModelWorker, grounder: GrounderDouble
) -> None:
    shown = iter((True, False))

    async def use() -> None:
        suggester = Suggester(worker, None)
        one = pair('a.mp4', 'a.png')
        assert await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: next(shown)) is None

    run(use)
    assert grounder.asked == ['memorize', 'ground']
