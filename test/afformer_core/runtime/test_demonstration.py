# SPDX-License-Identifier: Apache-2.0
"""Finished demonstrations by name, and their frames as they are encoded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.errors import DemonstrationError
from afformer_core.runtime.demonstration import (
    Demonstration,
    DemonstrationMemory,
    EncodedFrames,
    FinishedDemonstrations,
)
from afformer_core.runtime.demonstration_features import DemonstrationFeatures
from afformer_core.runtime.features import FrameFeatures, ImageFeatures
from afformer_core.runtime.memories.compact_features import CompactFeatures

IMAGES = np.zeros((2, 8, 8, 3), np.uint8)
FEATURES = np.zeros((2, 4, 1, 1), np.float32)


def demonstration(name: str, value: float) -> Demonstration:
    features = np.full((1, 2, 1, 1), value, np.float32)
    return Demonstration(
        name=name,
        frames_kept=1,
        frame_count=3,
        frame_size=(8, 12),
        memory=DemonstrationMemory(CompactFeatures.of(features)),
        features=DemonstrationFeatures(features),
        decoder_features=DemonstrationFeatures(features),
    )


@pytest.fixture
def finished() -> FinishedDemonstrations:
    found = FinishedDemonstrations()
    found.add(demonstration('button', 1))
    found.add(demonstration('knob', 2))
    return found


def test_one_of_a_known_name_becomes_the_newest(finished: FinishedDemonstrations) -> None:
    finished.add(demonstration('button', 3))

    assert finished.names == ('knob', 'button')
    assert finished['button'].memory.decoder.values[0, 0, 0, 0] == 3


def test_removed(finished: FinishedDemonstrations) -> None:
    finished.remove('button')

    assert finished.names == ('knob',)
    with pytest.raises(DemonstrationError, match="no demonstration 'button'; there are: knob"):
        finished['button']


def test_frames_are_stacked_in_order_and_contiguous() -> None:
    features = np.arange(8, dtype=np.float32).reshape(2, 2, 2).transpose(2, 0, 1)
    stage = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    frames = ImageFeatures(features, (stage,)), ImageFeatures(features + 1, (stage - 5,))
    encoded = EncodedFrames.stack(list(zip(IMAGES, frames, strict=True)))

    assert len(encoded) == len(encoded.features) == 2
    assert encoded.features.decoder.flags.c_contiguous
    np.testing.assert_array_equal(encoded.features[1].decoder, features + 1)
    np.testing.assert_array_equal(encoded.features[1].stages[0], stage - 5)
    np.testing.assert_array_equal(encoded.features.select([1, 1]).stages[0][0], stage - 5)


@pytest.mark.parametrize(
    ('images', 'features', 'message'),
    [
        (IMAGES.astype(np.float32), FEATURES, 'expected uint8'),
        (IMAGES[0], FEATURES, 'expected uint8'),
        (IMAGES, FEATURES[:1], 'as many of both'),
    ],
)
def test_what_cannot_be(images: np.ndarray, features: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EncodedFrames(images, FrameFeatures(features))


@pytest.mark.parametrize(
    ('decoder', 'stage', 'message'),
    [
        (FEATURES.astype(np.float64), FEATURES, 'features are float64'),
        (FEATURES, FEATURES[0], r'float32 \(4, 1, 1\); expected float32'),
        (FEATURES, FEATURES[:1], r'features of \[1, 2\] frames are given'),
        (FEATURES[:0], FEATURES[:0], r'features of \[0\] frames are given'),
    ],
)
def test_features_that_do_not_fit(decoder: np.ndarray, stage: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameFeatures(decoder, (stage,))


def test_frames_of_another_size_are_resized_to_that_of_the_first() -> None:
    features = ImageFeatures(FEATURES[0])
    frames = [(np.full((*size, 3), 9, np.uint8), features) for size in ((8, 6), (8, 6), (6, 8))]

    images = EncodedFrames.stack(frames).images

    assert images.shape == (3, 8, 6, 3)
    assert (images == 9).all()


@pytest.mark.parametrize('kept', [0, 4])
def test_frames_that_are_kept_were_received(kept: int) -> None:
    with pytest.raises(ValueError, match=f"'button' keeps {kept} frames; expected 1 to .* is 3"):
        replace(demonstration('button', 1), frames_kept=kept)
