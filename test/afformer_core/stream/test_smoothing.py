# SPDX-License-Identifier: Apache-2.0
"""Averages over time of heatmap and action scores, by the seconds between."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.tracking import PredictionSmoother

MILLISECOND = 1_000_000
# The share of a new image, one time constant after the one before: 1 - 1/e.
SHARE = 0.6321206


@pytest.fixture
def first(predict: Callable[..., Prediction]) -> Prediction:
    return predict(10, 20)


@pytest.fixture
def second(predict: Callable[..., Prediction]) -> Prediction:
    return replace(predict(40, 20), action_scores={'hold': 0.95, 'press': 0.05})


def test_action_scores_are_blended_and_the_best_comes_first(
    first: Prediction, second: Prediction
) -> None:
    smoother = PredictionSmoother()
    smoother.add(first, 0, 0.1)
    scores = smoother.add(second, 100 * MILLISECOND, 0.1).action_scores

    # press: 0.75 + SHARE * (0.05 - 0.75).
    assert list(scores) == ['hold', 'press']
    assert scores['press'] == pytest.approx(0.3075156, abs=1e-6)
    assert scores['hold'] == pytest.approx(0.6924844, abs=1e-6)


def test_the_heatmap_has_the_same_shares(first: Prediction, second: Prediction) -> None:
    smoother = PredictionSmoother()
    smoother.add(first, 500 * MILLISECOND, 0.1)
    found = smoother.add(second, 600 * MILLISECOND, 0.1).probabilities

    assert float(found[:, :25].sum()) == pytest.approx(1 - SHARE, abs=1e-5)
    assert float(found[:, 25:].sum()) == pytest.approx(SHARE, abs=1e-5)


def test_the_rest_is_of_the_newest_image(first: Prediction, second: Prediction) -> None:
    smoother = PredictionSmoother()
    smoother.add(first, 0, 0.1)
    second = replace(second, feature_similarity=0.4, seconds=0.02)
    found = smoother.add(second, 100 * MILLISECOND, 0.1)

    assert (found.feature_similarity, found.seconds) == (0.4, 0.02)
    assert found.descriptor is second.descriptor


def test_each_image_counts_by_the_time_since_the_one_before(
    first: Prediction, second: Prediction
) -> None:
    smoother = PredictionSmoother()
    smoother.add(first, 0, 0.1)
    smoother.add(second, 100 * MILLISECOND, 0.1)
    scores = smoother.add(second, 150 * MILLISECOND, 0.1).action_scores

    # What is left of the first image is exp(-1.5), 0.2231302.
    assert scores['press'] == pytest.approx(0.05 + 0.7 * 0.2231302, abs=1e-6)


@pytest.mark.parametrize(('stamp', 'seconds'), [(100, 0.0), (0, 0.1), (-100, 0.1)])
def test_nothing_is_blended_without_time(
    first: Prediction, second: Prediction, stamp: int, seconds: float
) -> None:
    smoother = PredictionSmoother()
    smoother.add(first, 0, 0.1)

    assert smoother.add(second, stamp * MILLISECOND, seconds) is second


def test_nothing_is_blended_after_a_restart(first: Prediction, second: Prediction) -> None:
    smoother = PredictionSmoother()
    smoother.add(first, 0, 0.1)
    smoother.restart()

    assert smoother.add(second, 100 * MILLISECOND, 0.1) is second
