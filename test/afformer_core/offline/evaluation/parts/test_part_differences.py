# SPDX-License-Identifier: Apache-2.0
"""Paired differences of models on outlined parts."""

from __future__ import annotations

from afformer_core.offline.evaluation.parts.part_differences import (
    measure_part_differences,
    part_difference_table,
)
from afformer_core.offline.evaluation.parts.part_scores import PartScores


def scores(inside: list[float], action: list[float | None]) -> list[PartScores]:
    return [
        PartScores(inside=hit, near=1, distance=9.0, any_inside=1, action=accepted)
        for hit, accepted in zip(inside, action, strict=True)
    ]


MODELS = {
    'first': scores([1, 0, 0, 0], [1, 1, 0, None]),
    'second': scores([0, 1, 1, 1], [1, 1, 1, 1]),
    'third': scores([1, 0, 0, 0], [None] * 4),
}


def test_differences_are_to_the_first_model() -> None:
    measured = measure_part_differences(MODELS, ['a', 'b', 'c', 'd'])
    assert list(measured) == ['second', 'third']
    assert measured['second']['inside'].value == 0.5
    assert measured['third']['inside'].value == 0
    assert (measured['third']['inside'].low, measured['third']['inside'].high) == (0, 0)


def test_pairs_that_one_model_lacks_do_not_count() -> None:
    measured = measure_part_differences(MODELS, ['a', 'b', 'c', 'd'])
    assert (measured['second']['action'].value, measured['second']['action'].count) == (1 / 3, 3)
    assert measured['third']['action'] is None


def test_videos_are_drawn_whole() -> None:
    measured = measure_part_differences(MODELS, ['a', 'a', 'a', 'a'])['second']['inside']
    assert (measured.low, measured.high) == (0.5, 0.5)


def test_one_model_has_no_differences() -> None:
    assert measure_part_differences({'first': MODELS['first']}, ['a', 'b', 'c', 'd']) == {}


def test_a_sentence_says_what_tells_the_models_apart() -> None:
    measured = measure_part_differences(MODELS, ['a', 'a', 'a', 'a'])
    notes = part_difference_table('first', measured).notes
    assert notes[0] == 'second and first are distinguished by: inside a part, action accepted.'
    assert notes[1] == 'No measure distinguishes third and first.'
    assert notes[-1].startswith('Least differences that count: 0.01 of inside a part, within 5 %')
