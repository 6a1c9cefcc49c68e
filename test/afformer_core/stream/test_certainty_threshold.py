# SPDX-License-Identifier: Apache-2.0
"""Certainty and action of a streamed grounding, and when they suffice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.runtime.calibrations import Calibrations, CertaintyCalibration
from afformer_core.stream.settings import StreamSettings

from .conftest import Camera

CALIBRATION = CertaintyCalibration(0.7, -0.2, 0.63, 0.87, 0.74, 92, 'pairs.json', 'ab12')


def see(camera, prediction, milliseconds=0, contact=0.9, match=0.998, **settings):
    camera.settings = StreamSettings(**settings)
    prediction = replace(
        prediction,
        calibrations=Calibrations(certainty=CALIBRATION),
        contact_probability=contact,
        match_probability=match,
    )
    return camera.see(milliseconds, prediction)


@pytest.mark.parametrize(('contact', 'unsure'), [(0.9, False), (0.5, True), (None, False)])
def test_the_models_threshold_counts_by_default(predict, contact, unsure):
    grounding = see(Camera(), predict(20, 20), contact=contact).grounding
    assert grounding.certainty_threshold == 0.63
    assert grounding.unsure is unsure


@pytest.mark.parametrize(('own', 'unsure'), [(0.0, False), (0.42, False), (0.47, True)])
def test_a_threshold_of_ones_own_goes_before_it(predict, own, unsure):
    # 0.5 * 0.998 has the certainty 0.45.
    grounding = see(Camera(), predict(20, 20), contact=0.5, certainty_threshold=own).grounding
    assert grounding.certainty == pytest.approx(0.449, abs=2e-3)
    assert (grounding.certainty_threshold, grounding.unsure) == (own, unsure)


def test_the_certainty_of_a_held_result_is_that_of_its_point(predict):
    camera = Camera()
    before = see(camera, predict(20, 20))
    held = see(camera, predict(20, 20, feature_similarity=0.1), 200, contact=0.3)
    assert held.held
    assert held.grounding.certainty == before.grounding.certainty


def test_the_probability_of_the_match_is_smoothed_like_the_heatmap(predict):
    camera = Camera()
    see(camera, predict(20, 20), match=0.9)
    after = see(camera, predict(20, 20), 100, match=0.4, smoothing_time=0.05).grounding
    # After two time constants, the share of the first image is exp(-2).
    assert after.match_probability == pytest.approx(0.4 + 0.5 * np.exp(-2))
    assert after.certainty == pytest.approx(CALIBRATION.certainty(0.9 * after.match_probability))


def test_a_certainty_of_just_the_threshold_is_sure(predict):
    grounding = see(Camera(), predict(20, 20)).grounding
    assert not replace(grounding, certainty=0.63).unsure
    assert replace(grounding, certainty=0.6299).unsure
    assert not replace(grounding, certainty=0.1, certainty_threshold=None).unsure


def test_a_given_action_goes_before_that_of_the_model(predict):
    camera = Camera()
    grounding = see(camera, predict(20, 20), action='pull').grounding
    assert (grounding.action, grounding.answer) == ('pull', 'pull')
    held = see(camera, predict(20, 20, feature_similarity=0.1), 200, action='rotate')
    assert held.held
    assert held.grounding.action == 'rotate'
