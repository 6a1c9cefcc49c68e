# SPDX-License-Identifier: Apache-2.0
"""Images that a library refuses or gets wrong: each is why `to_rgb` has code of its own.

Where one of these fails, the library has learnt it, and our own code for it may go.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rosbags.image import ImageError as RosbagsImageError
from rosbags.image import message_to_cvimage

from afformer_core.messages.image_decoding import to_rgb

from .conftest import compressed_of, image_of

RGB = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)


def test_padding_that_is_no_whole_pixel_shifts_rows(rosbags_factory) -> None:
    padded = np.pad(RGB.reshape(2, 15), ((0, 0), (0, 1)))
    message = image_of(rosbags_factory, 'rgb8', 5, 2, padded)
    assert not np.array_equal(message_to_cvimage(message, 'rgb8'), RGB)
    np.testing.assert_array_equal(to_rgb(message), RGB)


def test_sixteen_bits_are_cut_off_instead_of_rounded(rosbags_factory) -> None:
    message = image_of(rosbags_factory, 'mono16', 1, 1, np.array([200 * 257 - 1], '<u2'))
    assert message_to_cvimage(message, 'rgb8').tolist() == [[[199, 199, 199]]]
    assert to_rgb(message).tolist() == [[[200, 200, 200]]]


def test_plain_types_keep_the_order_of_their_channels(rosbags_factory) -> None:
    message = image_of(rosbags_factory, '8UC3', 1, 1, [30, 20, 10])
    assert message_to_cvimage(message, 'rgb8').tolist() == [[[30, 20, 10]]]
    assert to_rgb(message).tolist() == [[[10, 20, 30]]]


def test_planes_of_chrominance_are_unknown(rosbags_factory) -> None:
    planes = np.array([[81, 81], [81, 81], [90, 240]], np.uint8)
    message = image_of(rosbags_factory, 'nv12', 2, 2, planes, step=2)
    with pytest.raises((TypeError, RosbagsImageError, cv2.error)):
        message_to_cvimage(message, 'rgb8')
    assert to_rgb(message).shape == (2, 2, 3)


def test_a_jpeg_that_lost_a_packet_is_taken_for_an_image(rosbags_factory) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = cv2.imencode('.jpg', noise)[1].tobytes()
    lost = data[: len(data) // 2] + data[len(data) // 2 + 500 :]
    message = compressed_of(rosbags_factory, 'jpeg', lost)
    assert message_to_cvimage(message, 'rgb8').shape == (64, 64, 3)


def test_compressed_depth_has_no_pixels(rosbags_factory) -> None:
    depth = cv2.imencode('.png', np.full((4, 4), 700, np.uint16))[1].tobytes()
    message = compressed_of(rosbags_factory, '16UC1; compressedDepth png', bytes(12) + depth)
    with pytest.raises(AssertionError):
        message_to_cvimage(message)
