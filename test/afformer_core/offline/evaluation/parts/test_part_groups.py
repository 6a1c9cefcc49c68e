# SPDX-License-Identifier: Apache-2.0
"""Measures of the pairs of one folder or source, and their tables."""

from __future__ import annotations

import pytest

from afformer_core.offline.evaluation.parts.part_groups import group_tables, measure_groups
from afformer_core.offline.evaluation.parts.part_scores import PartScores


@pytest.fixture
def groups(make_pair):
    pairs = [
        make_pair(repository='a/kitchens', accepted_actions=['pull', 'hold']),
        make_pair(repository='b/workshops', source_video='bench', accepted_actions=['pull']),
        make_pair(repository='a/kitchens', accepted_actions=['pull']),
        make_pair(repository='a/kitchens', source_video='stove', accepted_actions=['pull']),
    ]
    model = [
        PartScores(1, 1, 0.0, 1, within_size=1, action=1),
        PartScores(0, 1, 4.0, 1, within_size=1, action=0),
        PartScores(0, 0, 9.0, 0, within_size=0, action=0),
        PartScores(0, 0, None, 0),
    ]
    scores = {'model': model, 'centre': model[::-1]}
    return measure_groups(pairs, scores, lambda pair: pair.source)


def test_each_group_is_measured_alone(groups) -> None:
    kitchens, workshops = groups['a/kitchens'], groups['b/workshops']
    assert (kitchens.pairs, kitchens.source_videos) == (3, 2)
    assert (workshops.pairs, workshops.source_videos) == (1, 1)
    assert kitchens.predictors['model'].inside.value == pytest.approx(1 / 3)
    assert kitchens.predictors['centre'].within_size.value == pytest.approx(2 / 3)
    assert workshops.predictors['model'].near.value == 1
    assert (kitchens.constant_action, kitchens.constant_action_accepted.value) == ('pull', 1)


def test_tables_have_a_row_for_each_group_with_its_pairs(groups) -> None:
    labels = {'model': 'the model', 'centre': 'centre of the image'}
    of_model, inside, within = group_tables(groups, labels, ['model'])
    assert of_model.title == 'By folder and source: the model'
    assert list(of_model.rows) == ['a/kitchens (3)', 'b/workshops (1)']
    row = dict(zip(of_model.names, of_model.rows['a/kitchens (3)'], strict=True))
    assert row['constant_action'] == 'pull 1.000'
    assert row['action'].value == 0.5
    # No contact was marked, and no other video shown.
    assert 'contact_first' not in of_model.names
    assert inside.columns == ('the model', 'centre of the image')
    assert [cell.value for cell in within.rows['b/workshops (1)']] == [1, 0]
