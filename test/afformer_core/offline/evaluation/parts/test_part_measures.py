# SPDX-License-Identifier: Apache-2.0
"""Measures of literal scores: means, differences, groups, and confidence."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.metrics import Estimates
from afformer_core.offline.evaluation.parts import contact_scores
from afformer_core.offline.evaluation.parts.part_measures import (
    COMPARED,
    MEASURES,
    answering_threshold,
    measure_all,
    measure_confidence,
    measure_groups,
    measure_part_differences,
    measure_parts,
)
from afformer_core.offline.evaluation.parts.part_scores import SCORES, PartScores
from afformer_core.offline.evaluation.parts.part_tables import confidence_tables, group_tables

from ..conftest import described


def scores(**known: float) -> PartScores:
    least = {'inside': 0, 'near': 0, 'distance': 9.0, 'any_inside': 0}
    return {**dict.fromkeys(SCORES), **least, **known}


@pytest.fixture
def of_sources(make_pair):
    """Makes a pair of each source, each of its own video unless that is told."""

    def make(sources: str, videos: str = 'abcdef'):
        return [
            make_pair(repository=source, source_video=video)
            for source, video in zip(sources, videos, strict=False)
        ]

    return make


def test_means_are_over_pairs_and_intervals_over_videos(of_sources) -> None:
    measured = measure_parts(
        [scores(inside=1), scores(inside=1), scores()], of_sources('sss', 'aab')
    )
    assert measured['inside'].value == pytest.approx(2 / 3)
    assert (measured['inside'].low, measured['inside'].high) == (0, 1)


def test_means_are_also_over_sources(of_sources) -> None:
    known = [scores(inside=1), scores(inside=1), scores(), scores()]
    measured = measure_parts(known, of_sources('ssts'))
    # Two of three in one source, and none in the other.
    assert measured['inside_of_sources'].value == pytest.approx((2 / 3 + 0) / 2)


def test_what_was_not_measured_has_no_mean(of_sources) -> None:
    measured = measure_parts([scores(action=1), scores()], of_sources('ss'))
    assert (measured['action'].value, measured['action'].count) == (1, 1)
    assert measured['found'] is None
    assert measured['auroc'] is None
    assert measured['answered'] is None


def test_the_presence_score_tells_own_from_other_videos(of_sources) -> None:
    values = [(0.9, 0.1, 0.95), (0.5, 0.7, None), (0.8, 0.5, 0.7)]
    known = [
        scores(presence_score=own, other_presence_score=other, nearby_presence_score=nearby)
        for own, other, nearby in values
    ]
    measured = measure_parts(known, of_sources('sss'))
    # Of nine comparisons seven are won and one is a tie; of four two are won.
    assert measured['auroc'].value == pytest.approx(7.5 / 9)
    assert measured['nearby_auroc'].value == pytest.approx(2 / 4)


def test_right_answers_are_a_share_of_the_answered(of_sources) -> None:
    known = [
        scores(answered=1, inside=1, tap_answered=1, tap_inside=1),
        scores(answered=1, inside=0, tap_answered=1, tap_inside=0),
        scores(answered=0, inside=1, tap_answered=1, tap_inside=0),
        scores(answered=0, inside=1, tap_answered=0, tap_inside=1),
    ]
    measured = measure_parts(known, of_sources('ssss'))
    assert (measured['answered'].value, measured['right_of_answered'].value) == (0.5, 0.5)
    assert measured['tap_answered'].value == 0.75
    assert measured['right_of_tap_answered'].value == pytest.approx(1 / 3)


def answers(inside: list[float], action: list[float | None]) -> list[PartScores]:
    return [
        scores(inside=hit, near=1, any_inside=1, action=accepted)
        for hit, accepted in zip(inside, action, strict=True)
    ]


MODELS = {
    'first': answers([1, 0, 0, 0], [1, 1, 0, None]),
    'second': answers([0, 1, 1, 1], [1, 1, 1, 1]),
    'third': answers([1, 0, 0, 0], [None] * 4),
}


def test_differences_are_to_the_first_model_on_pairs_that_both_have() -> None:
    measured = measure_part_differences(MODELS, ['a', 'b', 'c', 'd'])
    assert list(measured) == ['second', 'third']
    assert measured['second']['inside'].value == 0.5
    third = measured['third']['inside']
    assert (third.value, third.low, third.high) == (0, 0, 0)
    assert (measured['second']['action'].value, measured['second']['action'].count) == (1 / 3, 3)
    assert measured['third']['action'] is None
    of_one_video = measure_part_differences(MODELS, ['a', 'a', 'a', 'a'])['second']['inside']
    assert (of_one_video.low, of_one_video.high) == (0.5, 0.5)
    assert measure_part_differences({'first': MODELS['first']}, ['a', 'b', 'c', 'd']) == {}


@pytest.fixture
def groups(make_pair):
    pairs = [
        make_pair(repository='a/kitchens', accepted_actions=['pull', 'hold']),
        make_pair(repository='b/workshops', source_video='bench', accepted_actions=['pull']),
        make_pair(repository='a/kitchens', accepted_actions=['pull']),
        make_pair(repository='a/kitchens', source_video='stove', accepted_actions=['pull']),
    ]
    model = [
        scores(inside=1, near=1, within_size=1, action=1),
        scores(near=1, within_size=1, action=0),
        scores(within_size=0, action=0),
        scores(distance=None, within_size=0),
    ]
    of_all = {'model': model, 'centre': model[::-1]}
    return measure_groups(pairs, of_all, lambda pair: pair.source)


def test_each_group_is_measured_alone(groups) -> None:
    kitchens, workshops = groups['a/kitchens'], groups['b/workshops']
    assert (kitchens['pairs'], kitchens['source_videos']) == (3, 2)
    assert (workshops['pairs'], workshops['source_videos']) == (1, 1)
    assert kitchens['predictors']['model']['inside'].value == pytest.approx(1 / 3)
    assert kitchens['predictors']['centre']['within_size'].value == pytest.approx(2 / 3)
    assert workshops['predictors']['model']['near'].value == 1
    assert (kitchens['constant_action'], kitchens['constant_action_accepted'].value) == ('pull', 1)


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


# Of each source the scores and whether the best point is right.
KITCHENS = [(0.9, 1), (0.8, 1), (0.7, 0), (0.6, 0), (0.5, 1)]
WORKSHOPS = [(0.95, 1), (0.75, 1), (0.65, 1), (0.45, 1), (0.3, 0)]


def scored(value: float, right: int) -> PartScores:
    return scores(inside=right, confidence_scores={'peak': value})


@pytest.fixture
def pairs(pairs_of) -> list[PartPair]:
    return pairs_of(**{'a/kitchens': 5, 'b/workshops': 5})


@pytest.fixture
def peak(pairs) -> Estimates:
    known = [scored(*each) for each in (*KITCHENS, *WORKSHOPS)]
    return measure_confidence(known, pairs)['peak']


def test_the_threshold_of_a_source_is_chosen_on_the_others(peak) -> None:
    assert peak['thresholds'] == {'a/kitchens': 0.45, 'b/workshops': 0.8}
    # All kitchens, of which three are right, and one workshop.
    assert peak['coverage'].value == pytest.approx(6 / 10)
    assert peak['right_of_answered'].value == pytest.approx(4 / 6)


def test_the_area_is_of_right_and_wrong_points(peak) -> None:
    assert peak['pairs'] == 10
    assert peak['separation'].value == pytest.approx(16 / 21)


def test_of_one_source_nothing_is_chosen_elsewhere(pairs) -> None:
    of_one = measure_confidence([scored(*each) for each in KITCHENS], pairs[:5])['peak']
    assert (of_one['coverage'], of_one['right_of_answered'], of_one['thresholds']) == (
        None,
        None,
        {},
    )


def test_pairs_without_the_score_are_left_out(pairs) -> None:
    known = [scored(*each) for each in KITCHENS]
    unknown = scores(confidence_scores={})
    measured = measure_confidence([*known, unknown], pairs[:6])['peak']
    assert measured['pairs'] == 5


def test_no_threshold_answers_where_too_few_are_right() -> None:
    assert answering_threshold([0.9, 0.6, 0.4], [False, True, True]) == math.inf


def test_equal_scores_are_answered_together() -> None:
    assert answering_threshold([0.9, 0.6, 0.6, 0.6], [True, True, False, False], 0.9) == 0.9
    assert answering_threshold([0.9, 0.6, 0.6, 0.6], [True, True, True, False], 0.7) == 0.6


def test_tables_have_a_row_for_each_score(peak) -> None:
    measured = {'model': {'peak': peak, 'match_probability': peak}}
    (thresholds,) = confidence_tables(measured, {'model': 'the model'})
    assert list(thresholds.rows) == ['the model: peak', 'the model: match probability']
    assert thresholds.title == 'Selection of right points by confidence, for 88 % right'
    assert confidence_tables({}, {}) == []


def test_every_number_is_described(root: Path, make_pair) -> None:
    known = {name: [scores(confidence_scores={'peak': 0.5})] for name in ('one', 'other')}
    measured = measure_all([make_pair()], known, list(known), {})
    group = ('pairs', 'source_videos', 'constant_action', 'constant_action_accepted', 'predictors')
    facts = next(iter(measured['pair_facts'].values()))
    found = described(root, '`measures` of parts')
    assert found == {
        *('left_out.PAIR', 'by_kind.KIND', *group[:-1]),
        *(f'predictors.PREDICTOR.{name}' for name in MEASURES),
        *(f'by_pair.PAIR.PREDICTOR.{name}' for name in SCORES),
        *(f'by_folder.FOLDER.{name}' for name in group),
        *(f'by_source.SOURCE.{name}' for name in next(iter(measured['by_source'].values()))),
        *(f'confidence.PREDICTOR.SCORE.{name}' for name in measured['confidence']['one']['peak']),
        *(f'pair_facts.PAIR.{name}' for name in facts),
        *(f'differences.MODEL.{name}' for name in COMPARED),
    }
    assert set(measured) == {'contacts', *(name.split('.')[0] for name in found)}
    for names in (measured['predictors']['one'], measured['by_pair'][facts['id']]['one']):
        assert tuple(names) in (MEASURES, SCORES)
    of_contacts = described(root, '`measures.contacts`')
    for group_of_readers in ('readers.READER', 'by_source.SOURCE.READER'):
        names = {f'{group_of_readers}.{name}' for name in ('clips', *contact_scores.MEASURES)}
        assert names <= of_contacts
