# SPDX-License-Identifier: Apache-2.0
"""Comparisons that are not made, and why; and who wins a pair."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from afformer_core.errors import AfformerError
from afformer_core.runtime import ArrayGrounder
from afformer_core.studio.comparison.comparisons import Comparisons
from afformer_core.studio.comparison.model_comparison import ComparedPair, ModelComparison
from afformer_core.studio.training.model_folders import ModelFolders


class Opening:
    """A model that is opened once it may be."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.allowed = threading.Event()

    def __call__(self, folder: Path) -> ArrayGrounder:
        self.opened.set()
        assert self.allowed.wait(60)
        raise AfformerError(f'{folder.name} is no model')


@pytest.fixture
def opening() -> Opening:
    return Opening()


@pytest.fixture
def comparisons(marked_pairs: Path, tmp_path: Path, opening: Opening) -> Iterator[Comparisons]:
    made = Comparisons(ModelFolders(tmp_path), marked_pairs, opening)
    yield made
    opening.allowed.set()
    made.close()


def wait_for_end(comparisons: Comparisons) -> None:
    ended = threading.Event()
    for _ in range(600):
        if not comparisons.runs:
            return
        ended.wait(0.05)
    raise AssertionError('the comparison goes on')


def test_a_model_is_not_compared_with_itself(comparisons: Comparisons) -> None:
    with pytest.raises(ValueError, match='both models are shipped'):
        comparisons.start('shipped', 'shipped')


def test_one_comparison_is_made_at_a_time(comparisons: Comparisons, opening: Opening) -> None:
    comparisons.start('first', 'second')
    assert opening.opened.wait(60)

    with pytest.raises(AfformerError, match='two models are being compared'):
        comparisons.start('first', 'third')


def test_why_a_comparison_failed_is_told(comparisons: Comparisons, opening: Opening) -> None:
    opening.allowed.set()
    comparisons.start('first', 'second')
    wait_for_end(comparisons)

    assert comparisons.failure == 'first is no model'
    assert comparisons.result is None


def test_pairs_that_are_gone_are_told(tmp_path: Path, opening: Opening) -> None:
    comparisons = Comparisons(ModelFolders(tmp_path), tmp_path / 'nowhere', opening)
    comparisons.start('first', 'second')
    wait_for_end(comparisons)
    comparisons.close()

    assert 'nowhere' in comparisons.failure


@pytest.mark.parametrize(
    ('klds', 'gain'),
    [((2.0, 0.5), 1.5), ((0.5, 2.0), -1.5), ((math.inf, math.inf), 0.0)],
)
def test_the_second_model_gains_by_what_its_divergence_is_lower(
    klds: tuple[float, float], gain: float
) -> None:
    assert ComparedPair('a pair', klds, ('', '')).gain == gain


@pytest.mark.parametrize(
    ('hits', 'verdict'),
    [
        (
            (1, 3),
            'b is better: its best peak is where the points are marked in 3 of 4 pairs, '
            'that of a in 1.',
        ),
        (
            (2, 0),
            'a is better: its best peak is where the points are marked in 2 of 4 pairs, '
            'that of b in 0.',
        ),
        (
            (2, 2),
            'Neither is better: the best peak of both is where the points are marked in 2 '
            'of 4 pairs.',
        ),
    ],
)
def test_the_verdict_says_which_model_is_better(hits: tuple[int, int], verdict: str) -> None:
    pairs = (ComparedPair('a pair', (1.0, 2.0), ('', '')),) * 4
    assert ModelComparison(('a', 'b'), (), pairs, hits).verdict == verdict


@pytest.mark.parametrize(
    ('hits', 'change'),
    [
        ((1, 3), 'Better than before on your pairs: * in 3 of 4 pairs, before in 1.'),
        ((2, 0), 'Worse than before on your pairs: * in 0 of 4 pairs, before in 2.'),
        ((2, 2), 'As good as before on your pairs: * in 2 of 4 pairs.'),
    ],
)
def test_the_change_says_whether_training_helped(hits: tuple[int, int], change: str) -> None:
    pairs = (
        *(ComparedPair('a pair', (2.0, 1.0), ('', '')),) * 3,
        ComparedPair('another pair', (1.0, 2.0), ('', '')),
    )
    change = change.replace('*', 'the best peak is where the points are marked')
    told = ModelComparison(('a', 'b'), (), pairs, hits).change

    assert told == f'{change} The heatmap is closer to them in 3 of 4 pairs.'
