# SPDX-License-Identifier: Apache-2.0
"""Settings of the pipeline: limits, and thresholds of presence, certainty and action."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afformer_core.runtime.calibrations import (
    Calibrations,
    CertaintyCalibration,
    PresenceCalibration,
    PresenceFeatures,
)
from afformer_core.stream.settings import PipelineSettings, StreamSettings

from .conftest import Camera

CALIBRATED = PresenceCalibration(1.0, 10.0, -7.0, 0.37, 0.96, 300, 'validation.json', 'ab12')


@pytest.mark.parametrize(
    ('name', 'low', 'high'),
    [
        ('maximum_peaks', 1, 100),
        ('minimum_presence', -1, 1),
        ('certainty_threshold', -1, 1),
        ('minimum_confidence', 0, 1),
        ('minimum_feature_similarity', -1, 1),
        ('minimum_continuity', -1, 1),
        ('release_time', 0, 3600),
        ('smoothing_time', 0, 60),
        ('hold_time', 0, 60),
        ('scene_cut_threshold', 0, 1),
        ('peak_tolerance', 0, 0.25),
        ('agreement_tolerance', 0, 1),
        ('minimum_candidate_score', 0, 1),
        ('overlay_opacity', 0, 1),
        ('cloud_minimum_weight', 0, 1),
        ('mask_share', 0.001, 1),
        ('pre_grasp_distance', 0, 1),
        ('depth_wait', 0, 1),
    ],
)
def test_values_beyond_their_limits_are_refused(name: str, low: float, high: float) -> None:
    for value in (low, high):
        assert getattr(PipelineSettings(**{name: value}), name) == value
    for value in (low - 0.01, high + 0.01, float('nan')):
        with pytest.raises(ValueError, match=f'{name} is {value}; expected'):
            PipelineSettings(**{name: value})


@pytest.mark.parametrize(
    ('settings', 'calibration', 'expected'),
    [
        ({}, CALIBRATED, {'presence': 0.37, 'continuity': 0.75}),
        ({'minimum_presence': 0.6}, CALIBRATED, {'presence': 0.6, 'continuity': 0.75}),
        ({}, None, {'confidence': 0.2, 'feature_similarity': 0.7, 'continuity': 0.75}),
        ({'minimum_feature_similarity': -1, 'minimum_continuity': -1}, None, {'confidence': 0.2}),
    ],
)
def test_thresholds_depend_on_the_calibration(
    settings: dict[str, Any], calibration: PresenceCalibration | None, expected: dict[str, float]
) -> None:
    assert PipelineSettings(**settings).thresholds(calibration) == expected


# Even odds at a feature similarity of 0.5, whatever the confidence.
CALIBRATION = PresenceCalibration(0.0, 10.0, -5.0, 0.5, 0.9, 100, 'validation.json', 'ab12')


def see(prediction, calibration=CALIBRATION, **settings):
    return Camera(**settings).see(0, replace(prediction, calibrations=Calibrations(calibration)))


@pytest.mark.parametrize(('feature_similarity', 'found'), [(0.51, True), (0.49, False)])
def test_the_models_threshold_decides_by_default(predict, feature_similarity, found):
    result = see(predict(20, 20, feature_similarity=feature_similarity))
    assert result.found is found
    assert result.presence == pytest.approx(0.5, abs=0.03)
    assert result.grounding.presence == result.presence
    assert result.presence_threshold == 0.5


# 0.6 has the presence 0.73, and 0.4 has 0.27, which is below the model's threshold.
@pytest.mark.parametrize(
    ('feature_similarity', 'least', 'found'),
    [(0.4, 0.0, True), (0.6, 0.7, True), (0.6, 0.75, False)],
)
def test_a_threshold_of_ones_own_goes_before_it(predict, feature_similarity, least, found):
    result = see(predict(20, 20, feature_similarity=feature_similarity), minimum_presence=least)
    assert (result.found, result.presence_threshold) == (found, least)


@pytest.mark.parametrize(('confidence', 'feature_similarity'), [(0.2, 0.69), (0.19, 0.7)])
def test_without_calibration_both_thresholds_must_be_reached(confidence, feature_similarity):
    settings = StreamSettings(minimum_confidence=0.2, minimum_feature_similarity=0.7)
    assert settings.is_present(PresenceFeatures(0.2, 0.7), None)
    assert not settings.is_present(PresenceFeatures(confidence, feature_similarity), None)


def test_a_presence_of_just_the_threshold_is_enough():
    features = PresenceFeatures(0.5, 0.5)
    assert StreamSettings().is_present(features, CALIBRATION)
    assert StreamSettings(minimum_presence=0.5).is_present(features, CALIBRATION)
    assert not StreamSettings(minimum_presence=0.5001).is_present(features, CALIBRATION)


def test_the_other_thresholds_do_not_apply_to_a_calibrated_model(predict):
    strict = {'minimum_confidence': 1.0, 'minimum_feature_similarity': 1.0}
    assert see(predict(20, 20, feature_similarity=0.6), **strict).found
    assert not see(predict(20, 20, feature_similarity=0.6), calibration=None, **strict).found


def test_a_model_that_is_not_calibrated_has_no_presence(predict):
    result = see(predict(20, 20), calibration=None, minimum_presence=1.0)
    assert (result.presence, result.presence_threshold) == (None, None)
    assert result.found


def test_presence_rises_with_the_confidence(predict):
    by_confidence = replace(CALIBRATION, confidence=1.0, feature_similarity=0.0, intercept=0.0)
    sharp, flat = (see(predict(32, 32, spread=s), by_confidence) for s in (1.5, 20))
    assert (sharp.found, flat.found) == (True, False)
    assert sharp.presence == pytest.approx(sharp.confidence)
    assert flat.presence == pytest.approx(flat.confidence)


CERTAINTY = CertaintyCalibration(0.7, -0.2, 0.74, 92, 'pairs.json', 'ab12', 0.63, 0.87)


def certain(camera, prediction, milliseconds=0, contact=0.9, match=0.998, **settings):
    camera.settings = StreamSettings(**settings)
    prediction = replace(
        prediction,
        calibrations=Calibrations(certainty=CERTAINTY),
        contact_probability=contact,
        match_probability=match,
    )
    return camera.see(milliseconds, prediction)


@pytest.mark.parametrize(('contact', 'unsure'), [(0.9, False), (0.5, True), (None, True)])
def test_the_models_threshold_of_certainty_counts_by_default(predict, contact, unsure):
    grounding = certain(Camera(), predict(20, 20), contact=contact).grounding
    assert grounding.certainty_threshold == 0.63
    assert grounding.unsure is unsure


@pytest.mark.parametrize(('own', 'unsure'), [(0.0, False), (0.42, False), (0.47, True)])
def test_a_threshold_of_certainty_of_ones_own_goes_before_it(predict, own, unsure):
    # 0.5 * 0.998 has the certainty 0.45.
    grounding = certain(Camera(), predict(20, 20), contact=0.5, certainty_threshold=own).grounding
    assert grounding.certainty == pytest.approx(0.449, abs=2e-3)
    assert (grounding.certainty_threshold, grounding.unsure) == (own, unsure)


def test_the_certainty_of_a_held_result_is_that_of_its_point(predict):
    camera = Camera()
    before = certain(camera, predict(20, 20))
    held = certain(camera, predict(20, 20, feature_similarity=0.1), 200, contact=0.3)
    assert held.held
    assert held.grounding.certainty == before.grounding.certainty


def test_the_probability_of_the_match_is_smoothed_like_the_heatmap(predict):
    camera = Camera()
    certain(camera, predict(20, 20), match=0.9)
    after = certain(camera, predict(20, 20), 100, match=0.4, smoothing_time=0.05).grounding
    # After two time constants, the share of the first image is exp(-2).
    assert after.match_probability == pytest.approx(0.4 + 0.5 * np.exp(-2))
    assert after.certainty == pytest.approx(CERTAINTY.certainty(0.9 * after.match_probability))


def test_a_certainty_of_just_the_threshold_is_sure(predict):
    grounding = certain(Camera(), predict(20, 20)).grounding
    assert not replace(grounding, certainty=0.63).unsure
    assert replace(grounding, certainty=0.6299).unsure
    # Without a calibration nothing is sure, and of a marked contact an unknown certainty is.
    assert replace(grounding, certainty=0.9, certainty_threshold=None).unsure
    unknown = replace(grounding, certainty=None)
    assert unknown.unsure
    assert not replace(unknown, certainty_threshold=0.0).unsure
    assert not replace(unknown, contact_probability=1).unsure


def test_a_given_action_goes_before_that_of_the_model(predict):
    camera = Camera()
    grounding = certain(camera, predict(20, 20), action='pull').grounding
    assert (grounding.action, grounding.answer) == ('pull', 'pull')
    held = certain(camera, predict(20, 20, feature_similarity=0.1), 200, action='rotate')
    assert held.held
    assert held.grounding.action == 'rotate'
