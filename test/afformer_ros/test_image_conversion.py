# SPDX-License-Identifier: Apache-2.0
"""Literal pixels through every library that converts colours here."""

import sys

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from afformer_core.errors import ImageError
from afformer_ros import image_conversion
from afformer_ros.image_conversion import (
    available_converters,
    compress,
    to_message,
    to_rgb,
)

CONVERTERS = available_converters()


@pytest.fixture(params=CONVERTERS, ids=[name for name, _ in CONVERTERS])
def library(request, monkeypatch):
    """Each library in turn is the one that is used."""
    monkeypatch.setattr(image_conversion, '_chosen', [request.param[1]])
    return request.param[0]


def _message(encoding, width, height, data, step=None, big=False):
    message = Image(encoding=encoding, width=width, height=height, is_bigendian=int(big))
    message.data = bytes(data)
    message.step = len(message.data) // height if step is None else step
    return message


# Two pixels in a row: (10, 20, 30) and (200, 100, 0).
RGB = [[[10, 20, 30], [200, 100, 0]]]


@pytest.mark.parametrize(
    ('encoding', 'data'),
    [
        ('rgb8', [10, 20, 30, 200, 100, 0]),
        ('bgr8', [30, 20, 10, 0, 100, 200]),
        ('8UC3', [30, 20, 10, 0, 100, 200]),
        ('rgba8', [10, 20, 30, 255, 200, 100, 0, 0]),
        ('bgra8', [30, 20, 10, 255, 0, 100, 200, 0]),
        ('rgb16', (np.array([10, 20, 30, 200, 100, 0], '<u2') * 257).tobytes()),
        ('bgr16', (np.array([30, 20, 10, 0, 100, 200], '<u2') * 257).tobytes()),
    ],
)
def test_colours(library, encoding, data):
    image = to_rgb(_message(encoding, 2, 1, data))
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image, RGB, atol=1)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey(library, encoding):
    image = to_rgb(_message(encoding, 3, 1, [0, 128, 255]))
    np.testing.assert_array_equal(image, [[[0] * 3, [128] * 3, [255] * 3]])


@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
@pytest.mark.parametrize('big', [False, True])
def test_grey_of_sixteen_bits_in_both_byte_orders(library, encoding, big):
    values = np.array([0, 128 * 257, 255 * 257], '>u2' if big else '<u2')
    image = to_rgb(_message(encoding, 3, 1, values.tobytes(), big=big))
    np.testing.assert_allclose(image, [[[0] * 3, [128] * 3, [255] * 3]], atol=1)


def test_the_byte_order_does_not_matter_for_bytes(library):
    np.testing.assert_array_equal(
        to_rgb(_message('bgr8', 2, 1, [30, 20, 10, 0, 100, 200], big=True)), RGB
    )


@pytest.mark.parametrize(
    ('encoding', 'top_left', 'bottom_right'),
    [
        ('bayer_rggb8', 'red', 'blue'),
        ('bayer_bggr8', 'blue', 'red'),
    ],
)
@pytest.mark.parametrize('bits', [8, 16])
def test_bayer(library, encoding, top_left, bottom_right, bits):
    level = {'red': 200, 'green': 100, 'blue': 40}
    mosaic = np.full((8, 8), level['green'], np.uint8)
    mosaic[0::2, 0::2] = level[top_left]
    mosaic[1::2, 1::2] = level[bottom_right]
    data = mosaic if bits == 8 else mosaic.astype('<u2') * 257
    message = _message(encoding[:-1] + str(bits), 8, 8, data.tobytes())
    np.testing.assert_allclose(
        to_rgb(message)[3:5, 3:5], np.full((2, 2, 3), [200, 100, 40]), atol=1
    )


@pytest.mark.parametrize(
    ('encoding', 'red_at'), [('bayer_grbg8', (0, 1)), ('bayer_gbrg8', (1, 0))]
)
def test_bayer_that_begins_with_green(library, encoding, red_at):
    mosaic = np.full((8, 8), 100, np.uint8)
    mosaic[red_at[0] :: 2, red_at[1] :: 2] = 200
    mosaic[1 - red_at[0] :: 2, 1 - red_at[1] :: 2] = 40
    image = to_rgb(_message(encoding, 8, 8, mosaic.tobytes()))
    np.testing.assert_allclose(image[3:5, 3:5], np.full((2, 2, 3), [200, 100, 40]), atol=1)


# Full-scale red in BT.601, as cameras send it: Y 81, U 90, V 240.
@pytest.mark.parametrize(
    ('encoding', 'data'),
    [
        ('yuv422', [90, 81, 240, 81]),
        ('uyvy', [90, 81, 240, 81]),
        ('yuv422_yuy2', [81, 90, 81, 240]),
        ('yuyv', [81, 90, 81, 240]),
    ],
)
def test_interleaved_yuv(library, encoding, data):
    image = to_rgb(_message(encoding, 2, 1, data))
    np.testing.assert_allclose(image, [[[254, 0, 0], [254, 0, 0]]], atol=2)


@pytest.mark.parametrize(('encoding', 'chrominance'), [('nv12', [90, 240]), ('nv21', [240, 90])])
def test_semi_planar_yuv(library, encoding, chrominance):
    rows = [[81, 81, 9], [81, 81, 9], [*chrominance, 9]]
    image = to_rgb(_message(encoding, 2, 2, np.ravel(rows).astype(np.uint8), step=3))
    np.testing.assert_allclose(image, np.full((2, 2, 3), [254, 0, 0]), atol=2)


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'mono8', 'bayer_rggb8', 'yuv422', 'mono16'])
def test_padding_is_left_out(library, encoding):
    size = {'rgb8': 3, 'bgr8': 3, 'yuv422': 2, 'mono16': 2}.get(encoding, 1)
    tight = np.random.default_rng(0).integers(0, 256, (6, 4 * size), np.uint8)
    padded = np.pad(tight, ((0, 0), (0, 5)), constant_values=77)
    expected = to_rgb(_message(encoding, 4, 6, tight.tobytes()))
    np.testing.assert_array_equal(to_rgb(_message(encoding, 4, 6, padded.tobytes())), expected)
    # Some drivers leave the padding of the last row out.
    short = _message(encoding, 4, 6, padded.tobytes()[:-5], step=4 * size + 5)
    np.testing.assert_array_equal(to_rgb(short), expected)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
@pytest.mark.parametrize('grey', [False, True])
def test_compressed(suffix, grey):
    bgr = np.full((16, 16, 3), [30, 120, 200], np.uint8)
    data = cv2.imencode(suffix, cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY) if grey else bgr)[1]
    image = to_rgb(CompressedImage(format='bgr8; compressed', data=data.tobytes()))
    level = 134 if grey else [200, 120, 30]
    np.testing.assert_allclose(image, np.full((16, 16, 3), level), atol=3)


def test_compress_round_trip():
    image = np.full((16, 16, 3), [200, 120, 30], np.uint8)
    np.testing.assert_allclose(to_rgb(compress(image, Header())), image, atol=3)


@pytest.mark.parametrize(
    ('message', 'reason'),
    [
        (Image(encoding='rgb8'), 'has no pixels'),
        (Image(encoding='rgb8', width=0, height=4, step=12), 'has no pixels'),
        (Image(encoding='', width=2, height=2, step=6), "encoding '' cannot be grounded"),
        (Image(encoding='32FC1', width=1, height=1, step=4, data=bytes(4)), 'cannot be grounded'),
        (_message('rgb8', 2, 2, bytes(12), step=5), 'a row takes at least 6'),
        (_message('rgb8', 2, 2, bytes(11), step=6), 'has 11 bytes of data; it must have 12'),
        (_message('mono16', 2, 2, bytes(8), step=3), 'a row takes at least 4'),
        (_message('nv12', 2, 2, bytes(5), step=2), 'has 5 bytes'),
        (_message('nv12', 3, 2, bytes(9), step=3), 'must be even'),
        (_message('yuv422', 3, 1, bytes(6), step=6), 'it must be even'),
        (
            Image(encoding='rgb8', width=2**32 - 1, height=2**32 - 1, step=2**32 - 1),
            'a row takes at least',
        ),
        (CompressedImage(format='jpeg'), '0 bytes cannot be decoded'),
        (CompressedImage(format='jpeg', data=b'not a picture'), 'cannot be decoded'),
        (CompressedImage(format='16UC1; compressedDepth', data=bytes(64)), 'is depth'),
    ],
)
def test_messages_that_are_refused(message, reason):
    with pytest.raises(ImageError, match=reason):
        to_rgb(message)


def test_to_message_of_floats():
    header = Header(frame_id='camera')
    message = to_message(np.array([[0.25, 0.75]], np.float32), '32FC1', header)
    assert (message.encoding, message.width, message.height, message.step) == ('32FC1', 2, 1, 8)
    assert message.is_bigendian == (sys.byteorder == 'big')
    assert message.header == header
    np.testing.assert_array_equal(np.frombuffer(message.data, np.float32), [0.25, 0.75])


def test_to_message_of_a_slice_is_tight():
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)[::2, 1:3]
    message = to_message(image, 'rgb8', Header())
    np.testing.assert_array_equal(to_rgb(message), image)


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
def test_arrays_that_do_not_fit(image, encoding):
    with pytest.raises(ValueError, match=r'encoding is|the array is'):
        to_message(image, encoding, Header())


def _messages_of(bag):
    from rosbags.highlevel import AnyReader

    with AnyReader([bag]) as reader:
        for connection, _, data in reader.messages():
            if connection.msgtype in ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'):
                recorded = reader.deserialize(data, connection.msgtype)
                yield recorded


def test_the_images_of_a_real_robot(library, test_data):
    shapes = set()
    for recorded in _messages_of(test_data / 'bags' / 'spot_mcap'):
        message = Image(
            encoding=recorded.encoding,
            width=recorded.width,
            height=recorded.height,
            step=recorded.step,
            is_bigendian=recorded.is_bigendian,
            data=recorded.data.tobytes(),
        )
        image = to_rgb(message)
        assert image.std() > 1
        shapes.add((recorded.encoding, image.shape))
    assert ('rgb8', (480, 640, 3)) in shapes
    assert ('16UC1', (240, 424, 3)) in shapes
