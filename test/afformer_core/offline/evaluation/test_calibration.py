# SPDX-License-Identifier: Apache-2.0
"""Fits on features that were drawn at random, and by the command."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.errors import DatasetError
from afformer_core.models import small_matching
from afformer_core.offline.evaluation.calibration import (
    even_confidence,
    fit_certainty,
    fit_decoder_certainty,
    fit_presence,
    fit_similarity,
)
from afformer_core.offline.evaluation.parts.part_scores import SCORES, PartScores
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.calibrations import PresenceCalibration, PresenceFeatures
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.weights import save_matching_network

from ...conftest import random_matching_network
from .conftest import write_scenes

COUNT = 4000


def presence_features(logits, *similarities):
    columns = [1 / (1 + np.exp(-np.asarray(logits))), *similarities]
    return [PresenceFeatures(*map(float, row)) for row in zip(*columns, strict=True)]


def results(own, negative):
    return [
        SimpleNamespace(presence_features=one, negative_presence_features=other)
        for one, other in zip(own, negative, strict=True)
    ]


@pytest.fixture(scope='module')
def drawn():
    """Gaussians: logits of the confidence 1 apart of spread 1, feature similarities 0.1 of 0.1."""
    rng = np.random.default_rng(0)
    logits, feature_similarities = rng.normal(0, 1, (2, COUNT)), rng.normal(0.6, 0.1, (2, COUNT))
    own = presence_features(logits[0] + 1, feature_similarities[0] + 0.1)
    return results(own, presence_features(logits[1], feature_similarities[1]))


def test_coefficients_are_those_of_the_gaussians(drawn):
    fitted = fit_presence(drawn, 'validation.json', 'ab12')
    # A distance of d spreads s has the coefficient d / s.
    assert fitted.confidence == pytest.approx(1.0, abs=0.1)
    assert fitted.feature_similarity == pytest.approx(10.0, abs=1.0)
    middle = PresenceFeatures(1 / (1 + np.exp(-0.5)), 0.65)
    assert fitted.presence(middle) == pytest.approx(0.5, abs=0.03)
    assert (fitted.pairs, fitted.annotations) == (COUNT, 'validation.json')
    assert fitted.weights_sha256 == 'ab12'
    # Two spreads of one: the area is the normal distribution at 1.
    assert fitted.auroc == pytest.approx(0.841, abs=0.015)


def decided(logits, right, weight):
    return [
        SimpleNamespace(
            presence_features=PresenceFeatures(1 / (1 + np.exp(-odds)), 0.5, weight),
            is_right=bool(is_right),
        )
        for odds, is_right in zip(logits, right, strict=True)
    ]


def test_the_certainty_of_the_decoder_is_that_of_points_where_it_outweighs():
    rng = np.random.default_rng(3)
    logits = rng.normal(0.4, 1.2, COUNT)
    right = rng.random(COUNT) < 1 / (1 + np.exp(-(1.6 * logits + 0.7)))
    others = decided(logits, ~right, 0.49)
    fitted = fit_decoder_certainty(decided(logits, right, 0.5) + others, 'drawn.json', 'ab12')
    assert (fitted.slope, fitted.intercept) == pytest.approx((1.6, 0.7), abs=0.15)
    assert (fitted.pairs, fitted.annotations) == (COUNT, 'drawn.json')
    assert (fitted.weights_sha256, fitted.auroc > 0.8) == ('ab12', True)


def test_few_points_of_the_decoder_or_only_right_ones_give_no_certainty():
    logits = np.linspace(-1, 2, 24)
    assert fit_decoder_certainty(decided(logits, logits > 0, 0.7), 'drawn.json', 'ab12') is None
    logits = np.linspace(-1, 2, 25)
    assert fit_decoder_certainty(decided(logits, logits > 0, 0.7), 'drawn.json', 'ab12')
    assert fit_decoder_certainty(decided(logits, logits < 3, 0.7), 'drawn.json', 'ab12') is None


def test_found_is_what_is_there_with_odds_of_one_to_two(drawn):
    fitted = fit_presence(drawn, 'validation.json', 'ab12')
    own, negative = (
        np.mean([fitted.presence(each) >= fitted.threshold for each in features])
        for features in zip(
            *((one.presence_features, one.negative_presence_features) for one in drawn),
            strict=True,
        )
    )
    # The odds' logarithms have the means 1 and -1 and the variance 2; ln 2 below 0 is found.
    assert own == pytest.approx(0.884, abs=0.015)
    assert negative == pytest.approx(0.414, abs=0.015)


def test_a_confidence_that_speaks_against_presence_is_left_out():
    rng = np.random.default_rng(0)
    own = presence_features(rng.normal(-1, 1, 200), rng.normal(0.8, 0.05, 200))
    negative = presence_features(rng.normal(1, 1, 200), rng.normal(0.5, 0.05, 200))
    fitted = fit_presence(results(own, negative), 'validation.json', 'ab12')
    assert fitted.confidence == 0
    assert fitted.feature_similarity > 10
    assert fitted.auroc > 0.99


def test_too_few_pairs(drawn):
    own = presence_features([1.0] * 24, [0.9] * 24)
    with pytest.raises(DatasetError, match=r'gives 24 pairs .* at least 25'):
        fit_presence(results(own, own), 'validation.json', 'ab12')
    assert fit_presence(drawn[:25], 'validation.json', 'ab12').pairs == 25


@pytest.fixture(scope='module')
def validation(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('validation'), 13)


@pytest.mark.slow
def test_the_command_calibrates_a_model(validation, model_folder, tmp_path, capsys):
    folder = tmp_path / 'model'
    shutil.copytree(model_folder, folder)
    words = ['calibrate', folder, '--annotations', validation, '--backend', 'torch']
    assert main([*map(str, words), '--json', '-']) == 0
    printed = json.loads(capsys.readouterr().out)
    calibration = read_description(folder).valid_calibrations.presence
    words[0] = 'evaluate'
    assert main([*map(str, words), '--json', '-']) == 0
    report = json.loads(capsys.readouterr().out)

    assert isinstance(calibration, PresenceCalibration)
    assert calibration.pairs == 26
    assert printed.pop('provenance')['data'].keys() == {str(validation)}
    files = {str(folder / 'model.json'), str(validation)}
    assert report['provenance']['data'].keys() == files
    assert printed == {'presence': calibration.to_json()}
    measures = report['measures']
    assert measures['abstention']['auroc']['presence']['value'] == pytest.approx(calibration.auroc)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_takes_the_matching_network_of_the_subfolder(
    validation, small_folder, tmp_path
):
    folder = tmp_path / 'model'
    shutil.copytree(small_folder, folder)
    network = random_matching_network(replace(small_matching((128, 192)), maximum_frames=32))
    save_matching_network(folder / 'matching', network, {})
    words = ['calibrate', folder, '--annotations', validation, '--backend', 'torch']

    assert main([*map(str, words)]) == 0

    description = read_description(folder)
    assert description.matching is not None
    assert 0 < description.matching.even_confidence < 1
    assert description.valid_calibrations.presence is not None
    assert ' 192 pixels ' in ArrayGrounder.load(folder, 'torch').fingerprint


def test_both_networks_weigh_the_same_where_a_tenth_of_the_confidences_lies_below():
    confidences = [0.2 + 0.03 * number for number in range(21)]
    own = [PresenceFeatures(one, 0.5) for one in reversed(confidences)]

    # Two of the twenty-one are lower.
    assert even_confidence(results(own, own)) == pytest.approx(0.26)


def test_a_calibration_needs_data(model_folder, capsys):
    assert main(['calibrate', str(model_folder)]) != 0
    assert 'no data is given. Give --annotations, --pairs or both' in capsys.readouterr().err


def scored(right: bool, value: float | None) -> PartScores:
    scores = {} if value is None else {'right_probability': value}
    return {**dict.fromkeys(SCORES), 'inside': right, 'confidence_scores': scores}


def drawn_parts(count: int, seed: int = 7) -> list[PartScores]:
    """Scores of pairs that are right with a probability that their score tells."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.02, 0.98, count)
    odds = 1.7 * np.log(values / (1 - values)) + 0.6
    right = rng.uniform(size=count) < 1 / (1 + np.exp(-odds))
    return [scored(bool(one), float(value)) for one, value in zip(right, values, strict=True)]


def test_the_regression_is_found_again(pairs_of) -> None:
    scores, pairs = drawn_parts(900) + drawn_parts(900, 8), pairs_of(a=900, b=900)

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
        {**one, 'action': float(right), 'action_scores': {'pull': value, 'push': 0.01}}
        for one, (right, value) in zip(drawn_parts(6), scored_actions, strict=True)
    ]
    pairs = pairs_of(a=2, b=2, c=2)
    assert fit_certainty(scores, pairs, '', 'abc').action_threshold == 0.8


@pytest.mark.parametrize(
    ('scores', 'counts', 'reason'),
    [
        (drawn_parts(40), {'a': 40}, '40 pairs of 1 sources'),
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
        {
            **scored(True, None),
            'presence_score': a,
            'other_presence_score': b,
            'nearby_presence_score': c,
        }
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
    alone = [{**scored(True, None), 'presence_score': 0.5}] * 4
    with pytest.raises(DatasetError, match='4 pairs and 0 other videos'):
        fit_similarity(alone)
