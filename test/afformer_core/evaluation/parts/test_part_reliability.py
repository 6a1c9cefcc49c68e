# SPDX-License-Identifier: Apache-2.0
"""Certainty beside how often best points are right, fitted on other sources."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.evaluation.parts.part_reliability import certainty_table, measure_certainty
from afformer_core.evaluation.parts.part_scores import PartScores

pytest.importorskip('sklearn')


def drawn(count: int, slope: float, seed: int) -> list[PartScores]:
    """Scores of pairs that are right with a probability that rises with their score."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.02, 0.98, count)
    odds = slope * np.log(values / (1 - values)) + 0.4
    right = rng.uniform(size=count) < 1 / (1 + np.exp(-odds))
    return [
        PartScores(hit, hit, 0.0, hit, hit, confidence_scores={'contact_and_peak': value})
        for hit, value in zip(right.astype(float).tolist(), values.tolist(), strict=True)
    ]


def pairs_of(make_pair, **counts):
    return [
        make_pair(repository=name, source_video=f'{name} {number}')
        for name, count in counts.items()
        for number in range(count)
    ]


def test_what_certainty_says_is_what_happens(make_pair) -> None:
    scores = drawn(500, 1.6, 3) + drawn(500, 1.6, 4) + drawn(400, 1.6, 5)

    fifths = list(measure_certainty(scores, pairs_of(make_pair, a=500, b=500, c=400)).values())

    assert [fifth.pairs for fifth in fifths] == [280] * 5
    said = [fifth.said for fifth in fifths]
    assert said == sorted(said)
    assert said[0] < 0.2
    assert said[4] > 0.85
    for fifth in fifths:
        assert fifth.right is not None
        assert fifth.right.low < fifth.said < fifth.right.high


def test_the_certainty_of_a_source_is_fitted_on_the_others(make_pair) -> None:
    """In `a` high scores are wrong: fitted on the others, they are said to be right."""
    scores = drawn(300, -1.6, 3) + drawn(40, 1.6, 4) + drawn(40, 1.6, 5)

    surest = measure_certainty(scores, pairs_of(make_pair, a=300, b=40, c=40))['fifth 5']

    assert surest.right is not None
    assert surest.said - surest.right.value > 0.3


@pytest.mark.parametrize('counts', [{'a': 9}, {'a': 4, 'b': 5}])
def test_without_enough_sources_nothing_is_said(make_pair, counts) -> None:
    assert measure_certainty(drawn(9, 1.6, 3), pairs_of(make_pair, **counts)) == {}


def test_a_row_of_each_fifth(make_pair) -> None:
    scores = drawn(60, 1.6, 3) + drawn(60, 1.6, 4) + drawn(63, 1.6, 5)
    fifths = measure_certainty(scores, pairs_of(make_pair, a=60, b=60, c=63))
    table = certainty_table(fifths, 'shipped')
    assert table.title == 'Does certainty equal the share of right points? shipped'
    assert list(table.rows) == [f'fifth {number}' for number in range(1, 6)]
    assert [row[0] for row in table.rows.values()] == [37, 37, 37, 36, 36]
