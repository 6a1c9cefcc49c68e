# SPDX-License-Identifier: Apache-2.0
"""Fit of certainty: its regression, and a threshold that other sources have chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.certainty_fit import fit_certainty, fit_similarity
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.runtime.presence import PresenceFeatures


def scored(right: bool, value: float | None) -> PartScores:
    scores = {} if value is None else {'right_probability': value}
    return PartScores(right, right, 0.0, right, confidence_scores=scores)


def drawn(count: int, seed: int = 7) -> list[PartScores]:
    """Scores of pairs that are right with a probability that their score tells."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.02, 0.98, count)
    odds = 1.7 * np.log(values / (1 - values)) + 0.6
    right = rng.uniform(size=count) < 1 / (1 + np.exp(-odds))
    return [scored(bool(one), float(value)) for one, value in zip(right, values, strict=True)]


@pytest.fixture
def pairs_of(make_pair):
    """Function to pairs of so many of each source."""

    def make(**counts: int) -> list[PartPair]:
        return [
            make_pair(repository=name, source_video=f'{name} {number}')
            for name, count in counts.items()
            for number in range(count)
        ]

    return make


def test_the_regression_is_found_again(pairs_of) -> None:
    scores, pairs = drawn(900) + drawn(900, 8), pairs_of(a=900, b=900)

    found = fit_certainty(scores, pairs, 'drawn', 'abc')

    assert found.slope == pytest.approx(1.7, abs=0.3)
    assert found.intercept == pytest.approx(0.6, abs=0.25)
    assert (found.pairs, found.annotations, found.weights_sha256) == (1800, 'drawn', 'abc')
    assert 0.75 < found.auroc < 0.95
    assert 0.4 < found.threshold < 0.8


def test_the_threshold_is_the_median_of_those_that_leaving_out_a_source_gives(pairs_of) -> None:
    good = [scored(True, value) for value in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4)]
    mixed = [scored(right, value) for right, value in ((True, 0.95), (False, 0.65), (True, 0.45))]
    few = [scored(True, 0.55), scored(False, 0.3)]

    found = fit_certainty(good + mixed + few, pairs_of(a=6, b=3, c=2), '', 'abc')

    # Without `a`: only 0.95. Without `b`: all but the least. Without `c`: all.
    assert found.threshold == pytest.approx(found.certainty(0.4))
    # The wrong ones are below 4 and below all of the 9 right ones.
    assert found.auroc == pytest.approx(13 / 18)


def test_nothing_is_certain_where_no_threshold_holds(pairs_of) -> None:
    scores = [scored(right, value) for right, value in ((False, 0.95), (True, 0.4)) * 3]

    assert fit_certainty(scores, pairs_of(a=2, b=2, c=2), '', 'abc').threshold == 1.0


def test_an_action_is_known_from_the_median_threshold_of_the_sources(pairs_of) -> None:
    """Without `a` 0.4, without `b` 0.8, without `c` 0.85."""
    scored_actions = [
        (True, 0.9), (False, 0.75), (True, 0.6), (True, 0.85), (True, 0.8), (True, 0.4),
    ]  # fmt: skip
    scores = [
        replace(one, action=float(right), action_scores={'pull': value, 'push': 0.01})
        for one, (right, value) in zip(drawn(6), scored_actions, strict=True)
    ]
    pairs = pairs_of(a=2, b=2, c=2)
    assert fit_certainty(scores, pairs, '', 'abc').action_threshold == 0.8


@pytest.mark.parametrize(
    ('scores', 'counts', 'reason'),
    [
        (drawn(40), {'a': 40}, '40 pairs of 1 sources'),
        ([scored(True, 0.5)] * 60, {'a': 40, 'b': 20}, '60 of them right'),
        # A model that reads no contact.
        ([scored(True, None)] * 5, {'a': 3, 'b': 2}, '0 pairs of 0 sources'),
    ],
)
def test_pairs_of_one_source_or_of_one_outcome_are_refused(
    pairs_of, scores: list[PartScores], counts: dict[str, int], reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        fit_certainty(scores, pairs_of(**counts), '', 'abc')


def test_presence_is_fitted_on_similarities_of_both_kinds_of_other_videos() -> None:
    """Gaussians of spread 0.1 with means 0.3 apart, whose log-odds have the slope 30."""
    rng = np.random.default_rng(4)
    own, elsewhere, nearby = rng.normal(0.0, 0.1, (3, 2000)) + np.array([[0.7], [0.4], [0.4]])
    scores = [
        replace(
            scored(True, None), presence_score=a, other_presence_score=b, nearby_presence_score=c
        )
        for a, b, c in zip(own, elsewhere, nearby, strict=True)
    ]

    found = fit_similarity(scores, 'drawn', 'abc')

    assert found.feature_similarity == pytest.approx(30, abs=2)
    assert found.confidence == 0
    # With twice as many negatives, even odds still lie between both means.
    assert found.presence(PresenceFeatures(0.9, 0.55)) == pytest.approx(0.5, abs=0.05)
    assert (found.pairs, found.annotations, found.weights_sha256) == (2000, 'drawn', 'abc')
    assert found.auroc == pytest.approx(0.983, abs=0.006)


def test_presence_needs_another_video() -> None:
    alone = [replace(scored(True, None), presence_score=0.5)] * 4
    with pytest.raises(DatasetError, match='4 pairs and 0 other videos'):
        fit_similarity(alone)
