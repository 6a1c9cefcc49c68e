# SPDX-License-Identifier: Apache-2.0
"""The certainty that a model reports beside how often its best points are right."""

from __future__ import annotations

from afformer_core.evaluation.parts.part_reliability import certainty_table, measure_certainty
from afformer_core.evaluation.parts.part_scores import PartScores


def scored(right: int, **known: float) -> PartScores:
    return PartScores(right, right, 0.0, right, confidence_scores=known)


def test_fifths_are_in_the_order_of_certainty(make_pair) -> None:
    values = [(0.9, 1), (0.2, 0), (0.3, 1), (0.4, 0), (0.8, 0), (0.6, 1)]
    scores = [scored(right, certainty=value) for value, right in values]
    pairs = [make_pair(source_video=f'{number}') for number in range(7)]

    fifths = measure_certainty([*scores, scored(0, peak=0.7)], pairs)

    assert [fifth.pairs for fifth in fifths.values()] == [2, 1, 1, 1, 1]
    assert [fifth.said for fifth in fifths.values()] == [0.25, 0.4, 0.6, 0.8, 0.9]
    assert [fifth.right.value for fifth in fifths.values()] == [0.5, 0, 1, 0, 1]
    table = certainty_table(fifths, 'shipped')
    assert table.title == 'Does certainty equal the share of right points? shipped'
    assert [row[0] for row in table.rows.values()] == [2, 1, 1, 1, 1]


def test_without_certainty_nothing_is_said(make_pair) -> None:
    assert measure_certainty([scored(1, peak=0.7)], [make_pair()]) == {}
