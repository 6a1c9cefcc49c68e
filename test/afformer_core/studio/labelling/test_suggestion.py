# SPDX-License-Identifier: Apache-2.0
"""Suggestions of the model for the pairs of a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.runtime import Grounding, Peak
from afformer_core.studio.labelling import suggestion
from afformer_core.studio.labelling.point_labels import LabelledPair
from afformer_core.studio.labelling.suggestion import Suggester, Suggestion
from afformer_core.studio.limits import LimitedImage
from afformer_core.studio.model_worker import ModelWorker

from ..conftest import run

# Of a file of twice the width and height.
IMAGE = LimitedImage('a.png', np.zeros((24, 32, 3), np.uint8), (64, 48))
DEMONSTRATION = MediaFrames((IMAGE.image,), 1, 0.0)


class GrounderDouble:
    """Always the same grounding; remembers what it was asked."""

    presence_threshold: float | None = None
    presence: float | None = 0.5
    action_threshold: float | None = None

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.demonstrations: tuple[str, ...] = ()

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
        double.demonstrations = (name,)

    monkeypatch.setattr(suggestion, 'memorize_whole', memorize)
    return double


@pytest.fixture
def worker(grounder: GrounderDouble) -> Iterator[ModelWorker]:
    load: Any = lambda: grounder  # noqa: E731
    started = ModelWorker(Path('model'), load)
    yield started
    started.close()


def pair(demonstration: str, image: str) -> LabelledPair:
    return LabelledPair(Path('cup/points.csv'), Path(demonstration), Path(image))


def suggested(worker: ModelWorker, actions: tuple[str, ...] | None = None) -> Suggestion:
    found: list[Suggestion | None] = []

    async def use() -> None:
        one = pair('a.mp4', 'a.png')
        suggester = Suggester(worker, actions)
        found.append(await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: True))

    run(use)
    assert found[0] is not None
    return found[0]


def test_the_best_peaks_and_the_best_action_that_may_be_used(worker: ModelWorker) -> None:
    found = suggested(worker, ('turn', 'press'))
    assert found.points == ((0, 47.3), (20, 30))
    assert found.scores == (0.6, 0.3)
    assert found.action == 'press'
    assert not found.doubtful


def test_no_action_is_suggested_where_the_model_knows_none(
    worker: ModelWorker, grounder: GrounderDouble
) -> None:
    grounder.action_threshold = 0.71
    assert suggested(worker, ('turn', 'pull')).action == ''


def test_a_demonstration_is_memorized_once_and_forgotten_with_the_page(
    worker: ModelWorker, grounder: GrounderDouble
) -> None:
    async def use() -> None:
        suggester = Suggester(worker, None)
        # Those of one name in two folders are two.
        for demonstration in ('cup/a.mp4', 'cup/a.mp4', 'lamp/a.mp4', 'lamp/b.mp4'):
            one = pair(demonstration, 'a.png')
            await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: True)
        # Another model does not hold it.
        grounder.demonstrations = ()
        await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: True)
        suggester.close()
        await worker.run(lambda _: None)

    run(use)
    first, again = ['memorize', 'ground'], ['ground']
    assert grounder.asked == [*first, *again, *first, *first, *first, 'forget']


@pytest.mark.parametrize(
    ('presence', 'doubtful'), [(0.29, True), (0.3, False), (0.8, False), (None, False)]
)
def test_what_is_not_in_view_is_doubtful(
    presence: float | None, doubtful: bool, worker: ModelWorker, grounder: GrounderDouble
) -> None:
    grounder.presence_threshold = 0.3
    grounder.presence = presence
    assert suggested(worker).doubtful is doubtful


@pytest.mark.parametrize(
    ('shown', 'asked'), [([False, False], []), ([True, False], ['memorize', 'ground', 'forget'])]
)
def test_a_pair_that_is_left_gets_no_suggestion(
    worker: ModelWorker, grounder: GrounderDouble, shown: list[bool], asked: list[str]
) -> None:
    async def use() -> None:
        suggester = Suggester(worker, None)
        one = pair('a.mp4', 'a.png')
        assert await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: shown.pop(0)) is None
        suggester.close()
        assert await suggester.suggest(one, DEMONSTRATION, IMAGE, lambda: True) is None

    run(use)
    assert grounder.asked == asked
