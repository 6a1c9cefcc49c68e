# SPDX-License-Identifier: Apache-2.0
import struct

import cv2
import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from afformer_core.errors import ImageError
from afformer_core.messages.image_decoding import to_depth

from .conftest import compressed_of, image_of

NAN = np.nan


@pytest.mark.parametrize('encoding', ['16UC1', 'mono16'])
@pytest.mark.parametrize('big', [False, True])
def test_millimetres(factory, encoding, big):
    values = np.array([[0, 1, 500], [4820, 65535, 0]], '>u2' if big else '<u2')
    depth = to_depth(image_of(factory, encoding, 3, 2, values, big=big))
    assert depth.values.dtype == np.float32
    np.testing.assert_allclose(depth.values, [[NAN, 0.001, 0.5], [4.82, 65.535, NAN]], rtol=1e-6)


@pytest.mark.parametrize('big', [False, True])
def test_metres(factory, big):
    values = np.array([[0.5, 0.0, -1.0], [NAN, np.inf, 12.25]], '>f4' if big else '<f4')
    depth = to_depth(image_of(factory, '32FC1', 3, 2, values, big=big))
    assert depth.values.dtype == np.float32
    np.testing.assert_array_equal(depth.values, [[0.5, NAN, NAN], [NAN, NAN, 12.25]])


def test_frame_and_stamp_are_the_headers(factory):
    depth = to_depth(image_of(factory, '16UC1', 1, 1, [1, 0]))
    assert (depth.frame_id, depth.stamp) == ('camera', 12_000_000_034)


@pytest.mark.parametrize(('encoding', 'dtype'), [('16UC1', '<u2'), ('32FC1', '<f4')])
def test_padding_is_left_out(rosbags_factory, encoding, dtype):
    rows = np.array([[1, 2], [3, 4]], dtype).view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, 3)), constant_values=77)
    tight = to_depth(image_of(rosbags_factory, encoding, 2, 2, rows))
    depth = to_depth(image_of(rosbags_factory, encoding, 2, 2, padded))
    np.testing.assert_array_equal(depth.values, tight.values)
    assert not np.isnan(depth.values).any()


def test_the_message_keeps_its_values(rosbags_factory):
    message = image_of(rosbags_factory, '32FC1', 1, 1, np.array([-1], '<f4'))
    to_depth(message)
    np.testing.assert_array_equal(message.data.view('<f4'), [-1])


def _png(values):
    return cv2.imencode('.png', values)[1].tobytes()


def test_compressed_depth_of_millimetres(factory):
    # The header's parameters have no meaning here; some publishers leave garbage in them.
    data = struct.pack('<iff', 0, -1e38, NAN) + _png(np.array([[0, 1500]], np.uint16))
    for kind in ('16UC1; compressedDepth', '16UC1; compressedDepth png'):
        depth = to_depth(compressed_of(factory, kind, data))
        np.testing.assert_allclose(depth.values, [[NAN, 1.5]], rtol=1e-6)


def test_compressed_depth_of_inverse_metres(factory):
    # As compressed_depth_image_transport quantizes by default: 100 steps, 10 m at most.
    a = 100.0 * 101.0
    b = 1 - a / 10.0
    quantized = np.array([[0, 1, 9192, 19192]], np.uint16)
    data = struct.pack('<iff', 0, a, b) + _png(quantized)
    depth = to_depth(compressed_of(factory, '32FC1; compressedDepth png', data))
    assert depth.values.dtype == np.float32
    np.testing.assert_allclose(
        depth.values, [[NAN, 10.0, 10100 / (9192 + 1009), 10100 / (19192 + 1009)]], rtol=1e-5
    )


def test_inverse_depth_behind_infinity_is_unknown(rosbags_factory):
    data = struct.pack('<iff', 0, 100.0, 50.0) + _png(np.array([[49, 50, 100]], np.uint16))
    depth = to_depth(compressed_of(rosbags_factory, '32FC1; compressedDepth png', data))
    np.testing.assert_array_equal(depth.values, [[NAN, NAN, 2.0]])


def test_a_png_without_a_header(factory):
    data = _png(np.array([[0, 1500]], np.uint16))
    depth = to_depth(compressed_of(factory, '16UC1; png compressed ', data))
    np.testing.assert_allclose(depth.values, [[NAN, 1.5]], rtol=1e-6)


def test_a_tiff_of_metres(rosbags_factory):
    data = cv2.imencode('.tiff', np.array([[1.5, NAN, -1]], np.float32))[1].tobytes()
    depth = to_depth(compressed_of(rosbags_factory, '32FC1; tiff compressed ', data))
    np.testing.assert_array_equal(depth.values, [[1.5, NAN, NAN]])


@pytest.mark.parametrize(
    ('fields', 'reason'),
    [
        (('rgb8', 1, 1, bytes(3)), "encoding 'rgb8' are not depth images"),
        (('32FC1', 2, 2, bytes(16), 4), 'a row takes at least 8'),
    ],
)
def test_images_that_are_refused(factory, fields, reason):
    with pytest.raises(ImageError, match=reason):
        to_depth(image_of(factory, *fields))


HEADER = struct.pack('<iff', 0, 0, 0)
WHOLE = _png(np.arange(4096, dtype=np.uint16).reshape(64, 64) * 7)


@pytest.mark.parametrize(
    ('kind', 'data', 'reason'),
    [
        ('16UC1; compressedDepth rvl', HEADER + bytes(100), 'compressed by RVL'),
        ('16UC1; compressedDepth', b'', 'has 0 bytes'),
        ('16UC1; compressedDepth', HEADER, 'has 12 bytes'),
        ('16UC1; compressedDepth', HEADER + WHOLE[:-40], 'cannot be decoded'),
        ('16UC1; compressedDepth', HEADER + WHOLE[:100], 'cannot be decoded'),
        ('16UC1; compressedDepth', WHOLE, 'cannot be decoded'),
        ('16UC1; compressedDepth', HEADER + _png(np.zeros((2, 2), np.uint8)), 'contains uint8'),
        ('32FC1; compressedDepth', HEADER + WHOLE, 'quantized by 0 and 0'),
        ('8UC1; compressedDepth', HEADER + WHOLE, "contains '8UC1'"),
        ('bgr8; jpeg compressed bgr8', _png(np.zeros((2, 2, 3), np.uint8)), 'contains uint8'),
    ],
)
def test_compressed_images_that_are_refused(factory, kind, data, reason):
    with pytest.raises(ImageError, match=reason):
        to_depth(compressed_of(factory, kind, data))


def _depth_of(bag):
    with AnyReader([bag]) as reader:
        for connection, _, data in reader.messages():
            if 'depth' in connection.topic.lower():
                return to_depth(reader.deserialize(data, connection.msgtype))
    raise AssertionError(f'{bag} has no depth')


@pytest.mark.parametrize(
    'bag', ['spot_mcap', 'spot_sqlite3', 'spot_compressed', 'spot_compressedDepth']
)
def test_the_depth_of_a_real_robot(test_data, bag):
    depth = _depth_of(test_data / 'bags' / bag)
    assert depth.values.shape == (240, 424)
    assert depth.frame_id == 'frontleft'
    assert np.nanmax(depth.values) == pytest.approx(4.82, abs=1e-6)
    assert 0 < np.nanmin(depth.values) < 1
    assert 0.01 < np.isnan(depth.values).mean() < 0.9
