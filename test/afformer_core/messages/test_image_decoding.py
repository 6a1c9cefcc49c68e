# SPDX-License-Identifier: Apache-2.0
"""Literal pixels in messages of both libraries, and another's word on them."""

import cv2
import numpy as np
import pytest

from afformer_core.errors import ImageError
from afformer_core.messages.image_decoding import to_rgb

from .conftest import compressed_of, header_of, image_of

# Two pixels in a row: (10, 20, 30) and (200, 100, 0).
RGB = [[[10, 20, 30], [200, 100, 0]]]
SIXTEEN_BITS = np.array([10, 20, 30, 200, 100, 0], '<u2') * 257


@pytest.mark.parametrize(
    ('encoding', 'data'),
    [
        ('rgb8', [10, 20, 30, 200, 100, 0]),
        ('bgr8', [30, 20, 10, 0, 100, 200]),
        ('8UC3', [30, 20, 10, 0, 100, 200]),
        ('rgba8', [10, 20, 30, 255, 200, 100, 0, 0]),
        ('bgra8', [30, 20, 10, 255, 0, 100, 200, 0]),
        ('8UC4', [30, 20, 10, 255, 0, 100, 200, 0]),
        ('rgb16', SIXTEEN_BITS),
        ('bgr16', SIXTEEN_BITS[[2, 1, 0, 5, 4, 3]]),
        ('16UC3', SIXTEEN_BITS[[2, 1, 0, 5, 4, 3]]),
        ('rgba16', SIXTEEN_BITS[[0, 1, 2, 5, 3, 4, 5, 0]]),
        ('bgra16', SIXTEEN_BITS[[2, 1, 0, 0, 5, 4, 3, 0]]),
        ('16UC4', SIXTEEN_BITS[[2, 1, 0, 0, 5, 4, 3, 0]]),
    ],
)
def test_colours(factory, encoding, data):
    image = to_rgb(image_of(factory, encoding, 2, 1, data))
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, RGB)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1', 'mono16', '16UC1'])
@pytest.mark.parametrize('big', [False, True])
def test_grey_in_both_byte_orders(factory, encoding, big):
    values = np.array([0, 128, 255], np.uint8)
    if '16' in encoding:
        # It is rounded.
        values = np.array([0, 128 * 257 - 1, 255 * 257], '>u2' if big else '<u2')
    image = to_rgb(image_of(factory, encoding, 3, 1, values, big=big))
    np.testing.assert_array_equal(image, [[[0] * 3, [128] * 3, [255] * 3]])


@pytest.mark.parametrize(
    ('encoding', 'data'),
    [
        ('bgr8', [30, 20, 10, 0, 100, 200]),
        ('rgb16', SIXTEEN_BITS.byteswap()),
        ('bgra16', SIXTEEN_BITS[[2, 1, 0, 0, 5, 4, 3, 0]].byteswap()),
    ],
)
def test_colours_of_the_other_byte_order(factory, encoding, data):
    message = image_of(factory, encoding, 2, 1, data, big=True)
    np.testing.assert_array_equal(to_rgb(message), RGB)


# Where the pattern has its red, row and column; its blue lies diagonally opposite.
@pytest.mark.parametrize(
    ('pattern', 'red'), [('rggb', (0, 0)), ('bggr', (1, 1)), ('gbrg', (1, 0)), ('grbg', (0, 1))]
)
@pytest.mark.parametrize('bits', [8, 16])
def test_bayer(rosbags_factory, pattern, red, bits):
    mosaic = np.full((8, 8), 100, np.uint8)
    mosaic[red[0] :: 2, red[1] :: 2] = 200
    mosaic[1 - red[0] :: 2, 1 - red[1] :: 2] = 40
    data = mosaic if bits == 8 else mosaic.astype('<u2') * 257
    image = to_rgb(image_of(rosbags_factory, f'bayer_{pattern}{bits}', 8, 8, data))
    np.testing.assert_array_equal(image[3:5, 3:5], np.full((2, 2, 3), [200, 100, 40]))


# Full-scale red in BT.601, as cameras send it: Y 81, U 90, V 240; padding is 9.
@pytest.mark.parametrize(
    ('encoding', 'height', 'step', 'data'),
    [
        ('yuv422', 1, None, [90, 81, 240, 81]),
        ('uyvy', 1, None, [90, 81, 240, 81]),
        ('yuv422_yuy2', 1, None, [81, 90, 81, 240]),
        ('yuyv', 1, None, [81, 90, 81, 240]),
        ('nv12', 2, 3, [81, 81, 9, 81, 81, 9, 90, 240, 9]),
        ('nv21', 2, 3, [81, 81, 9, 81, 81, 9, 240, 90, 9]),
    ],
)
def test_yuv(factory, encoding, height, step, data):
    image = to_rgb(image_of(factory, encoding, 2, height, data, step=step))
    np.testing.assert_allclose(image, np.full((height, 2, 3), [254, 0, 0]), atol=2)


@pytest.mark.parametrize(
    ('encoding', 'size'),
    [('rgb8', 3), ('bgr8', 3), ('mono8', 1), ('bayer_rggb8', 1), ('yuv422', 2), ('mono16', 2)],
)
def test_padding_is_left_out(rosbags_factory, encoding, size):
    tight = np.random.default_rng(0).integers(0, 256, (6, 4 * size), np.uint8)
    padded = np.pad(tight, ((0, 0), (0, 5)), constant_values=77)
    expected = to_rgb(image_of(rosbags_factory, encoding, 4, 6, tight))
    np.testing.assert_array_equal(
        to_rgb(image_of(rosbags_factory, encoding, 4, 6, padded)), expected
    )
    # Some drivers leave the padding of the last row out.
    short = image_of(rosbags_factory, encoding, 4, 6, padded.tobytes()[:-5], step=4 * size + 5)
    np.testing.assert_array_equal(to_rgb(short), expected)


COLOUR = np.full((16, 16, 3), [30, 120, 200], np.uint8)


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.webp', '.tiff'])
def test_compressed_colours(factory, suffix):
    data = cv2.imencode(suffix, COLOUR)[1].tobytes()
    image = to_rgb(compressed_of(factory, 'bgr8; compressed', data))
    np.testing.assert_allclose(image, COLOUR[..., ::-1], atol=3)


@pytest.mark.parametrize(
    ('suffix', 'encoded_image', 'colour'),
    [
        ('.jpg', np.full((16, 16), 134, np.uint8), [134] * 3),
        ('.png', np.full((16, 16), 134, np.uint8), [134] * 3),
        ('.png', np.full((16, 16), 134 * 257, np.uint16), [134] * 3),
        ('.png', np.full((16, 16, 3), [30 * 257, 120 * 257, 200 * 257], np.uint16), None),
        ('.png', np.full((16, 16, 4), [30, 120, 200, 7], np.uint8), None),
    ],
)
def test_compressed_grey_depth_of_bits_and_transparency(
    rosbags_factory, suffix, encoded_image, colour
):
    data = cv2.imencode(suffix, encoded_image)[1].tobytes()
    image = to_rgb(compressed_of(rosbags_factory, '16UC1; png compressed ', data))
    np.testing.assert_allclose(image, np.full((16, 16, 3), colour or [200, 120, 30]), atol=1)


def test_a_compressed_bayer_pattern_becomes_colours(rosbags_factory):
    mosaic = np.full((8, 8), 100, np.uint8)
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = 200, 40
    data = cv2.imencode('.png', mosaic)[1].tobytes()
    image = to_rgb(compressed_of(rosbags_factory, 'bayer_rggb8; png compressed ', data))
    np.testing.assert_array_equal(image[3, 3], [200, 100, 40])


def test_the_rotation_that_a_jpeg_notes_is_ignored(rosbags_factory):
    exif = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
    data = cv2.imencode('.jpg', np.zeros((16, 32, 3), np.uint8))[1].tobytes()
    segment = b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif
    rotated = data[:2] + segment + data[2:]
    assert cv2.imdecode(np.frombuffer(rotated, np.uint8), cv2.IMREAD_COLOR).shape == (32, 16, 3)
    assert to_rgb(compressed_of(rosbags_factory, 'jpeg', rotated)).shape == (16, 32, 3)


def _noise(suffix):
    encoded_image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    return cv2.imencode(suffix, encoded_image)[1].tobytes()


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.tiff'])
@pytest.mark.parametrize('share', [0.02, 0.5, 0.999])
def test_a_image_that_is_cut_off_is_refused(rosbags_factory, suffix, share):
    data = _noise(suffix)
    message = compressed_of(rosbags_factory, 'jpeg', data[: int(share * len(data))])
    with pytest.raises(ImageError, match='cannot be decoded'):
        to_rgb(message)


def _damaged(kind):
    data = bytearray(_noise('.png' if kind == 'flipped bit' else '.jpg'))
    middle = len(data) // 2
    if kind == 'flipped bit':
        data[middle] ^= 1
    elif kind == 'lost packet':
        del data[middle : middle + 500]
        assert cv2.imdecode(np.frombuffer(data, np.uint8), 1) is not None
    elif kind == 'thumbnail':
        data[2:] = b'\xff\xe1' + (len(data) + 2).to_bytes(2, 'big') + data + data[2:-2]
    else:
        assert data.endswith(b'\xff\xd9')
        del data[-2:]
    return bytes(data)


@pytest.mark.parametrize(
    ('kind', 'reason'),
    [
        ('no end', 'Premature end of JPEG file'),
        # Its end does not stand for that of the image.
        ('thumbnail', 'Premature end of JPEG file'),
        ('lost packet', 'Corrupt JPEG data'),
        ('flipped bit', 'cannot be decoded'),
    ],
)
def test_a_damaged_image_is_refused(rosbags_factory, kind, reason):
    with pytest.raises(ImageError, match=reason):
        to_rgb(compressed_of(rosbags_factory, 'jpeg', _damaged(kind)))


def test_bytes_after_the_end_of_a_jpeg_do_not_matter(rosbags_factory):
    data = _noise('.jpg')
    expected = to_rgb(compressed_of(rosbags_factory, 'jpeg', data))
    padded = to_rgb(compressed_of(rosbags_factory, 'jpeg', data + bytes(100)))
    np.testing.assert_array_equal(padded, expected)


@pytest.mark.parametrize('size', [65_500, 20_000])
def test_a_jpeg_of_absurd_size_is_refused_before_it_is_decoded(rosbags_factory, size):
    data = bytearray(_noise('.jpg'))
    frame = data.find(b'\xff\xc0')
    data[frame + 5 : frame + 9] = size.to_bytes(2, 'big') * 2
    with pytest.raises(ImageError, match='million pixels'):
        to_rgb(compressed_of(rosbags_factory, 'jpeg', bytes(data)))


@pytest.mark.parametrize(
    ('fields', 'reason'),
    [
        (('rgb8', 4, 0, b'', 12), 'has no pixels'),
        (('rgb8', 0, 4, b'', 12), 'has no pixels'),
        (('', 2, 2, bytes(12), 6), "encoding '' cannot be grounded"),
        (('32FC1', 1, 1, bytes(4), 4), 'cannot be grounded'),
        (('rgb8', 2, 2, bytes(12), 5), 'a row takes at least 6'),
        (('rgb8', 2, 2, bytes(11), 6), 'has 11 bytes of data; expected 12'),
        (('mono16', 2, 2, bytes(8), 3), 'a row takes at least 4'),
        (('nv12', 2, 2, bytes(5), 2), 'has 5 bytes'),
        (('nv12', 3, 2, bytes(9), 3), 'expected even sizes'),
        (('yuv422', 3, 1, bytes(6), 6), 'expected an even width'),
        (('bayer_rggb8', 1, 8, bytes(8), 1), 'its pattern takes 2 x 2'),
        (('rgb8', 2**32 - 1, 2**32 - 1, b'', 2**32 - 1), 'a row takes at least'),
        (('mono8', 2**31, 2**31, b'', 2**31), 'million pixels'),
    ],
)
def test_images_that_are_refused(factory, fields, reason):
    with pytest.raises(ImageError, match=reason):
        to_rgb(image_of(factory, *fields))


@pytest.mark.parametrize(
    ('kind', 'data', 'reason'),
    [
        ('jpeg', b'', '0 bytes cannot be decoded'),
        ('jpeg', b'not an image', 'cannot be decoded'),
        ('16UC1; compressedDepth', bytes(64), 'is depth'),
        (
            'tiff',
            cv2.imencode('.tiff', np.zeros((8, 8), np.float32))[1].tobytes(),
            'contains 1 channels of float32',
        ),
    ],
)
def test_compressed_images_that_are_refused(factory, kind, data, reason):
    with pytest.raises(ImageError, match=reason):
        to_rgb(compressed_of(factory, kind, data))


def test_colours_that_are_right_already_are_not_copied(rosbags_factory):
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    message = rosbags_factory.create(
        'sensor_msgs/msg/Image',
        header=header_of(rosbags_factory),
        encoding='rgb8',
        width=2,
        height=2,
        step=6,
        data=image.reshape(-1),
    )
    assert np.shares_memory(to_rgb(message), image)
