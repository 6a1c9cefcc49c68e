# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.runtime.encoded_frames import EncodedFrames

IMAGES = np.zeros((2, 8, 8, 3), np.uint8)
FEATURES = np.zeros((2, 4, 1, 1), np.float32)


def test_frames_are_stacked_in_order_and_contiguous() -> None:
    features = np.arange(8, dtype=np.float32).reshape(2, 2, 2).transpose(2, 0, 1)
    encoded = EncodedFrames.stack([(IMAGES[0], features), (IMAGES[1], features + 1)])

    assert len(encoded) == 2
    assert encoded.features.flags.c_contiguous
    np.testing.assert_array_equal(encoded.features[1], features + 1)


@pytest.mark.parametrize(
    ('images', 'features', 'message'),
    [
        (IMAGES.astype(np.float32), FEATURES, 'expected uint8'),
        (IMAGES[0], FEATURES, 'expected uint8'),
        (IMAGES, FEATURES.astype(np.float64), 'expected float32'),
        (IMAGES, FEATURES[:1], 'as many of both'),
        (IMAGES[:0], FEATURES[:0], 'at least one'),
    ],
)
def test_what_cannot_be(images: np.ndarray, features: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EncodedFrames(images, features)
