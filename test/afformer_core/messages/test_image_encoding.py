# SPDX-License-Identifier: Apache-2.0
import sys

import numpy as np
import pytest

from afformer_core.errors import ImageError
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.image_encoding import image_message, jpeg_message

from .conftest import header_of


@pytest.mark.parametrize(
    ('values', 'encoding', 'step'),
    [
        (np.array([[0.25, 0.5, 0.75]], np.float32), '32FC1', 12),
        (np.array([[400, 500, 600]], np.uint16), '16UC1', 6),
    ],
)
def test_an_image_of_numbers(factory, values, encoding, step):
    header = header_of(factory)
    message = image_message(factory, values, encoding, header)
    assert (message.encoding, message.width, message.height, message.step) == (
        encoding, 3, 1, step,
    )  # fmt: skip
    assert message.is_bigendian == (sys.byteorder == 'big')
    assert message.header == header
    np.testing.assert_array_equal(np.frombuffer(message.data, values.dtype), values[0])


def test_an_image_of_a_slice_is_tight(factory):
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)[::2, 1:3]
    message = image_message(factory, image, 'rgb8', header_of(factory))
    np.testing.assert_array_equal(to_rgb(message), image)


def test_an_image_is_not_tied_to_what_it_was_made_of(rclpy_factory):
    image = np.zeros((2, 2, 3), np.uint8)
    message = image_message(rclpy_factory, image, 'rgb8', header_of(rclpy_factory))
    image[...] = 9
    assert set(message.data) == {0}


@pytest.mark.parametrize(
    ('image', 'encoding'),
    [
        (np.zeros((2, 2), np.float64), '32FC1'),
        (np.zeros((2, 2, 3), np.uint8), 'mono8'),
        (np.zeros((2, 2), np.uint8), 'rgb8'),
        (np.zeros((0, 2, 3), np.uint8), 'rgb8'),
        (np.zeros((2, 2, 3), np.uint8), 'hsv8'),
    ],
)
def test_arrays_that_do_not_fit(rosbags_factory, image, encoding):
    with pytest.raises(ValueError, match=r'encoding is|the array is'):
        image_message(rosbags_factory, image, encoding, header_of(rosbags_factory))


def test_jpeg_round_trip(factory):
    image = np.full((16, 16, 3), [200, 120, 30], np.uint8)
    message = jpeg_message(factory, image, header_of(factory))
    assert message.header == header_of(factory)
    assert message.format == 'rgb8; jpeg compressed bgr8'
    np.testing.assert_allclose(to_rgb(message), image, atol=3)


def test_a_lower_quality_takes_fewer_bytes(rosbags_factory):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = [
        len(jpeg_message(rosbags_factory, image, header_of(rosbags_factory), quality).data)
        for quality in (20, 95)
    ]
    assert sizes[0] < sizes[1] / 2


def test_an_array_that_is_no_image_is_refused(rosbags_factory):
    with pytest.raises(ImageError, match='cannot be compressed as JPEG'):
        jpeg_message(rosbags_factory, np.zeros((0, 4, 3), np.uint8), header_of(rosbags_factory))
