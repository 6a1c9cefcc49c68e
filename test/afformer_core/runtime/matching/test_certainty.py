# SPDX-License-Identifier: Apache-2.0
"""Certainty of a point: its regression, and where it is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.matching.certainty import CertaintyCalibration, DecoderCertainty
from afformer_core.runtime.model_folder import read_description, write_description

CALIBRATION = CertaintyCalibration(0.8, -0.3, 0.66, 0.87, 0.74, 92, 'pairs.json', 'abc')
DECODER = DecoderCertainty(1.3, 0.7, 0.81, 57, 'drawn.json', 'abc')


def test_certainty_is_a_regression_on_the_product_of_both_probabilities() -> None:
    # The product is 0.45, the logarithm of its odds -0.2007.
    assert CALIBRATION.certainty(0.9, 0.5) == pytest.approx(0.3868, abs=1e-4)
    assert CALIBRATION.certainty(0.5, 0.9) == CALIBRATION.certainty(0.9, 0.5)
    assert CALIBRATION.certainty(1.0, 1.0) > 0.99
    assert CALIBRATION.certainty(0.0, 0.7) < 0.01


def test_the_certainty_of_the_decoder_is_a_regression_on_its_peak() -> None:
    # The logarithm of the odds of 0.31 is -0.8001.
    assert DECODER.certainty(0.31) == pytest.approx(0.4158, abs=1e-4)
    assert DECODER.certainty(0.9) > DECODER.certainty(0.8)


def test_a_calibration_is_read_as_it_was_written() -> None:
    assert DecoderCertainty.from_json(DECODER.to_json()) == DECODER
    assert CertaintyCalibration.from_json(CALIBRATION.to_json()) == CALIBRATION


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('slope', -0.1),
        ('threshold', 1.2),
        ('action_threshold', -0.2),
        ('pairs', 0),
        ('auroc', float('nan')),
    ],
)
def test_a_calibration_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f'{name} of the certainty is {value}; expected'):
        replace(CALIBRATION, **{name: value})


@pytest.mark.parametrize(('name', 'value'), [('slope', -0.1), ('pairs', 0), ('auroc', 1.1)])
def test_a_calibration_of_the_decoder_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} of the decoder's certainty is {value}; exp"):
        replace(DECODER, **{name: value})


@pytest.fixture(scope='module')
def grounder(matched_folder: Path) -> ArrayGrounder:
    description = read_description(matched_folder)
    weights = description.all_weights_sha256
    own = replace(CALIBRATION, weights_sha256=weights)
    decoder = replace(DECODER, weights_sha256=weights)
    write_description(
        matched_folder, replace(description, certainty=own, decoder_certainty=decoder)
    )
    try:
        return ArrayGrounder.load(matched_folder, 'torch', 1)
    finally:
        write_description(matched_folder, description)


def frames(grounder: ArrayGrounder) -> EncodedFrames:
    noise = np.random.default_rng(5).integers(0, 256, (128, 192, 3), np.uint8)
    image = grounder.resize(noise)
    return EncodedFrames.stack([(image, grounder.encode(image))])


def test_the_contact_that_was_read_counts_by_its_probability(grounder: ArrayGrounder) -> None:
    """Two fifths of the probability are far from the likeliest contact."""
    logits = np.full((20, 30), -60.0, np.float32)
    logits[4, 6], logits[5, 7], logits[15, 22] = np.log([0.35, 0.25, 0.4])
    logits[15, 22] = np.log(0.34)
    encoded = replace(frames(grounder), contact_map=logits)
    grounder.memorize(encoded, 'read', 1)
    grounder.memorize(replace(encoded, contact=(0.3, 0.4)), 'marked', 1)
    grounder.memorize(frames(grounder), 'neither', 1)

    groundings = {
        name: grounder.ground(encoded.images[0], name) for name in grounder.demonstrations
    }

    assert grounder.demonstration('read').contact_probability == pytest.approx(0.6 / 0.94)
    first, second = grounder.demonstration('read').contacts
    assert (first.score, second.score) == pytest.approx((0.6 / 0.94, 0.34 / 0.94), abs=1e-4)
    height, width = encoded.size
    assert second.u == pytest.approx(22.5 / 30 * width - 0.5, abs=0.7)
    assert second.v == pytest.approx(15.5 / 20 * height - 0.5, abs=0.7)
    assert grounder.demonstration('marked').contacts == ()
    read, marked = groundings['read'], groundings['marked']
    expected = CALIBRATION.certainty(0.6 / 0.94, read.confidence)
    assert read.certainty == pytest.approx(expected, abs=1e-6)
    assert (marked.certainty, marked.contact_probability) == (None, None)
    assert (read.certainty_threshold, marked.certainty_threshold) == (0.66, 0.66)
    assert groundings['neither'].certainty is None
    assert marked.action_threshold == 0.87


def test_the_certainty_is_that_of_the_decoder_where_it_outweighs(grounder: ArrayGrounder) -> None:
    read = np.zeros((4, 4), np.float32)
    read[1, 2] = 60.0
    encoded = replace(frames(grounder), contact_map=read)
    grounder.memorize(encoded, 'weighed', 1)
    prediction = grounder.predict(encoded.images[0], 'weighed')

    below, at = (replace(prediction, decoder_weight=weight) for weight in (0.49, 0.5))
    marked = replace(at, contact_probability=None)
    uncalibrated = replace(at, decoder_certainty=None)

    assert below.certainty(0.4) == pytest.approx(CALIBRATION.certainty(1.0, 0.4))
    assert at.certainty(0.4) == pytest.approx(DECODER.certainty(0.4))
    assert (marked.certainty(0.4), uncalibrated.certainty(0.4)) == (None, None)


def test_a_calibration_of_other_weights_does_not_count(matched_folder: Path) -> None:
    description = read_description(matched_folder)
    others = replace(description, certainty=CALIBRATION, decoder_certainty=DECODER)
    write_description(matched_folder, others)
    try:
        found = read_description(matched_folder)
        assert (found.certainty, found.decoder_certainty) == (CALIBRATION, DECODER)
        assert (found.valid_certainty, found.valid_decoder_certainty) == (None, None)
    finally:
        write_description(matched_folder, description)


def test_a_damaged_calibration_is_told(matched_folder: Path) -> None:
    path = matched_folder / 'model.json'
    before = path.read_text()
    path.write_text(before.rstrip().removesuffix('}') + ', "certainty": {"slope": 1}}')
    try:
        with pytest.raises(ModelFolderError, match='certainty'):
            read_description(matched_folder)
    finally:
        path.write_text(before)
