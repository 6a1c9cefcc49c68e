# SPDX-License-Identifier: Apache-2.0
"""Certainty of a point: its regression, and where it is known."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.matching.certainty import CertaintyCalibration, DecoderCertainty
from afformer_core.runtime.matching.contact import ContactCandidate, ReadContact
from afformer_core.runtime.model_folder import read_description, write_description

CALIBRATION = CertaintyCalibration(0.8, -0.3, 0.66, 0.87, 0.74, 92, 'pairs.json', 'abc')


def test_certainty_is_a_regression_on_the_product_of_both_probabilities() -> None:
    # The logarithm of the odds of 0.45 is -0.2007.
    assert CALIBRATION.certainty(0.45) == pytest.approx(0.3868, abs=1e-4)
    assert CALIBRATION.certainty(1.0) > 0.99
    assert CALIBRATION.certainty(0.0) < 0.01
    assert CertaintyCalibration.from_json(CALIBRATION.to_json()) == CALIBRATION


def test_the_certainty_of_the_decoder_is_a_regression_on_its_peak() -> None:
    decoder = DecoderCertainty(1.3, 0.7, 0.81, 57, 'drawn.json', 'abc')
    # The logarithm of the odds of 0.31 is -0.8001.
    assert decoder.certainty(0.31) == pytest.approx(0.4158, abs=1e-4)
    assert DecoderCertainty.from_json(decoder.to_json()) == decoder


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


@pytest.fixture(scope='module')
def grounder(matched_folder: Path) -> ArrayGrounder:
    description = read_description(matched_folder)
    weights = description.all_weights_sha256
    own = replace(CALIBRATION, weights_sha256=weights)
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
        assert grounding.certainty == CALIBRATION.certainty(grounding.right_probability)
    assert (neither.contact_probability, neither.certainty) == (None, None)
    assert (marked.certainty_threshold, marked.action_threshold) == (0.66, 0.87)


@pytest.fixture
def copied_model(matched_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(matched_folder, tmp_path / 'model'))


def test_a_calibration_of_other_weights_does_not_count(copied_model: Path) -> None:
    description = read_description(copied_model)
    write_description(copied_model, replace(description, certainty=CALIBRATION))

    found = read_description(copied_model)
    assert (found.certainty, found.valid_calibrations.certainty) == (CALIBRATION, None)
