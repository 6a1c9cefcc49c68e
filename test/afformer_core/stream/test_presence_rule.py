# SPDX-License-Identifier: Apache-2.0
"""The rule by which a calibrated model finds an object."""

from dataclasses import replace

import pytest

from afformer_core.runtime.calibrations import Calibrations, PresenceCalibration, PresenceFeatures
from afformer_core.stream.settings import StreamSettings

from .conftest import Camera

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
