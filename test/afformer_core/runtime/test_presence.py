# SPDX-License-Identifier: Apache-2.0
"""The probability that an image shows the object, and its calibration in model.json."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.model_folder import read_description, write_description
from afformer_core.runtime.presence import PresenceCalibration, PresenceFeatures

CALIBRATION = PresenceCalibration(2.0, 10.0, -7.0, 0.25, 0.95, 300, 'validation.json', 'ab12')


def presence(confidence: float, feature_similarity: float) -> float:
    return CALIBRATION.presence(PresenceFeatures(confidence, feature_similarity))


def test_presence_is_a_logistic_function() -> None:
    # The logit of 0.5 is 0.
    assert presence(0.5, 0.7) == pytest.approx(0.5)
    assert presence(0.5, 0.8) == pytest.approx(1 / (1 + math.exp(-1)))
    assert presence(0.8, 0.7) == pytest.approx(1 / (1 + 1 / 16))


@pytest.mark.parametrize(('confidence', 'feature_similarity'), [(0.0, -1.0), (1.0, 1.0)])
def test_presence_is_a_number_at_the_ends(confidence: float, feature_similarity: float) -> None:
    steep = replace(CALIBRATION, confidence=1e9, feature_similarity=1e9)

    features = PresenceFeatures(confidence, feature_similarity)
    assert steep.presence(features) == round(confidence)


def test_is_read_as_it_was_written(copied_folder: Path) -> None:
    description = read_description(copied_folder)
    own = replace(CALIBRATION, weights_sha256=description.weights_sha256)
    write_description(copied_folder, replace(description, calibration=own))

    assert description.calibration is None
    assert read_description(copied_folder).calibration == own
    grounder = ArrayGrounder.load(copied_folder, 'torch')
    assert (grounder.calibrations.presence, grounder.calibration_problem) == (own, '')


def test_that_of_other_weights_tells_nothing_and_says_so(copied_folder: Path) -> None:
    description = read_description(copied_folder)
    write_description(copied_folder, replace(description, calibration=CALIBRATION))

    assert read_description(copied_folder).calibration == CALIBRATION
    grounder = ArrayGrounder.load(copied_folder, 'torch')
    assert grounder.calibrations.presence is None
    own = description.weights_sha256[:12]
    assert f'belongs to the weights ab12; expected {own}' in grounder.calibration_problem
    assert f'afformer calibrate {copied_folder} --ann' in grounder.calibration_problem
    image = np.zeros((48, 64, 3), np.uint8)
    grounder.set_demonstration([image], 'press')
    assert grounder.ground(image, 'press').presence is None
