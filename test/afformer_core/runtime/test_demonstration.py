# SPDX-License-Identifier: Apache-2.0
"""Frames of demonstrations as they are encoded."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.features import FrameFeatures, ImageFeatures

IMAGES = np.zeros((2, 8, 8, 3), np.uint8)
FEATURES = np.zeros((2, 4, 1, 1), np.float32)


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
