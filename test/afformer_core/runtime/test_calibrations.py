# SPDX-License-Identifier: Apache-2.0
"""Presence, certainty and the weight of the decoder, and their calibrations in model.json."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.calibrations import (
    CertaintyCalibration,
    DecoderCertainty,
    MatchingSettings,
    PresenceCalibration,
    PresenceFeatures,
)
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.matching.matcher import ContactCandidate, ReadContact
from afformer_core.runtime.model_folder import read_description, write_description
from afformer_core.runtime.peaks import share_at_maximum

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


CERTAINTY = CertaintyCalibration(0.8, -0.3, 0.74, 92, 'pairs.json', 'abc', 0.66, 0.87)


def test_certainty_is_a_regression_on_the_product_of_both_probabilities() -> None:
    # The logarithm of the odds of 0.45 is -0.2007.
    assert CERTAINTY.certainty(0.45) == pytest.approx(0.3868, abs=1e-4)
    assert CERTAINTY.certainty(1.0) > 0.99
    assert CERTAINTY.certainty(0.0) < 0.01
    assert CertaintyCalibration.from_json(CERTAINTY.to_json()) == CERTAINTY


def test_the_certainty_of_the_decoder_is_a_regression_on_its_peak() -> None:
    decoder = DecoderCertainty(1.3, 0.7, 0.81, 57, 'drawn.json', 'abc')
    # The logarithm of the odds of 0.31 is -0.8001.
    assert decoder.certainty(0.31) == pytest.approx(0.4158, abs=1e-4)
    assert DecoderCertainty.from_json(decoder.to_json()) == decoder


@pytest.mark.parametrize(
    ('kind', 'name', 'value'),
    [
        ('certainty', 'slope', -0.1),
        ('certainty', 'threshold', 1.2),
        ('certainty', 'action_threshold', -0.2),
        ('certainty', 'pairs', 0),
        ('certainty', 'auroc', float('nan')),
        *(('matching', 'even_confidence', value) for value in (0.0, 1.0, float('nan'))),
    ],
)
def test_a_calibration_out_of_range_is_refused(kind: str, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f'{name} of the {kind} is {value}; expected'):
        replace(MATCHING if kind == 'matching' else CERTAINTY, **{name: value})


@pytest.fixture(scope='module')
def grounder(matched_folder: Path) -> ArrayGrounder:
    description = read_description(matched_folder)
    weights = description.all_weights_sha256
    own = replace(CERTAINTY, weights_sha256=weights)
    write_description(matched_folder, replace(description, certainty=own))
    try:
        return ArrayGrounder.load(matched_folder, 'torch', 1)
    finally:
        write_description(matched_folder, description)


def frames(grounder: ArrayGrounder) -> EncodedFrames:
    noise = np.random.default_rng(5).integers(0, 256, (256, 384, 3), np.uint8)
    image = grounder.resize(noise)
    return EncodedFrames.stack([(image, grounder.encode(image))])


def test_the_contact_that_was_read_counts_by_its_probability(grounder: ArrayGrounder) -> None:
    logits = np.zeros((20, 30), np.float32)
    candidates = [
        ContactCandidate(x, 0.4, share)
        for x, share in ((0.3, 0.55), (0.7, 0.2), (0.1, 0.15), (0.9, 0.1))
    ]
    encoded = replace(frames(grounder), read_contact=ReadContact(logits, tuple(candidates)))
    grounder.memorize(encoded, 'read', 1)
    grounder.memorize(replace(encoded, contact=(0.3, 0.4)), 'marked', 1)
    grounder.memorize(frames(grounder), 'neither', 1)

    read, marked, neither = (
        grounder.ground(encoded.images[0], name) for name in grounder.demonstrations
    )

    contacts = grounder.demonstration('read').contacts
    assert [each.score for each in contacts] == [0.55, 0.2, 0.15]
    # The frames are shrunk to 192x128.
    assert (contacts[1].u, contacts[1].v) == pytest.approx((133.9, 50.7))
    assert grounder.demonstration('marked').contacts == ()
    assert (read.contact_probability, marked.contact_probability) == (0.55, 1)
    for grounding in (read, marked):
        assert grounding.right_probability is not None
        assert grounding.certainty == CERTAINTY.certainty(grounding.right_probability)
    assert (neither.contact_probability, neither.certainty) == (None, None)
    assert (marked.certainty_threshold, marked.action_threshold) == (0.66, 0.87)


@pytest.fixture
def copied_model(matched_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(matched_folder, tmp_path / 'model'))


def test_a_calibration_of_other_weights_does_not_count(copied_model: Path) -> None:
    description = read_description(copied_model)
    write_description(copied_model, replace(description, certainty=CERTAINTY))

    found = read_description(copied_model)
    assert (found.certainty, found.valid_calibrations.certainty) == (CERTAINTY, None)


MATCHING = MatchingSettings(0.25, 'abc')


def blob(spread: float) -> np.ndarray:
    """Log-probabilities of a heatmap with one peak."""
    rows, columns = np.mgrid[:48, :48]
    heatmap = np.exp(-((rows - 20) ** 2 + (columns - 30) ** 2) / (2 * spread**2))
    return np.log(heatmap / heatmap.sum()).astype(np.float32)


def correlation(nats: float) -> np.ndarray:
    """Log-probabilities of a correlation that finds the peak so much less likely than all else."""
    logits = np.zeros((48, 48), np.float32)
    logits[20, 30] -= nats
    return logits


def test_the_surer_the_decoder_the_more_it_weighs() -> None:
    weights = [MATCHING.decoder_weight(blob(spread), correlation(2)) for spread in (2, 5, 8, 14)]

    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0.99
    assert weights[-1] < 0.25


def test_the_less_likely_its_peak_is_by_matching_the_less_the_decoder_weighs() -> None:
    weights = [MATCHING.decoder_weight(blob(5), correlation(nats)) for nats in (0, 3, 6, 12)]

    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0.9
    assert weights[-1] < 0.1


def test_an_even_weight_at_the_even_confidence() -> None:
    confidence = share_at_maximum(np.exp(blob(6)))

    assert MatchingSettings(confidence, '').decoder_weight(
        blob(6), correlation(2)
    ) == pytest.approx(0.5)


SIDES = st.integers(3, 12)


@settings(max_examples=30)
@given(st.integers(2, 5), SIDES, SIDES, st.integers(0, 1000))
def test_the_best_heatmap_decides_the_weight_of_all(
    count: int, height: int, width: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    decoded = rng.normal(0, 3, (count, height, width)).astype(np.float32)
    correlated = rng.normal(0, 2, (height, width)).astype(np.float32)
    best = int(rng.integers(count))
    even = replace(MATCHING, even_confidence=0.7)

    heatmaps, weight = even.weigh(decoded, correlated, best)
    alone, weight_alone = even.weigh(decoded[best, None] + 5, correlated - 3, 0)

    assert weight == pytest.approx(weight_alone, abs=1e-5)
    np.testing.assert_allclose(heatmaps[best], alone[0], atol=1e-4)
    mean = weight * decoded + (1 - weight) * correlated
    np.testing.assert_allclose(np.ptp(heatmaps - mean, axis=(1, 2)), 0, atol=1e-4)
