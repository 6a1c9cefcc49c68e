# SPDX-License-Identifier: Apache-2.0
"""Decoding of the colours of image messages in all supported encodings.

A library converts the colours, see `colour_conversion`. This module handles what neither library
does correctly: padding, byte order, sizes, compressed images, and a few encodings.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError
from afformer_core.messages.colour_conversion import PlainImage, convert_colours
from afformer_core.messages.pixel_rows import byte_data, decompress, pixel_rows

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')

# Encoding: type of a channel, channels, and the name that both libraries use. Plain OpenCV types
# have no colour semantics. They are read as OpenCV would display them, whereas cv_bridge rejects
# them and rosbags-image leaves them unchanged.
_PACKED: dict[str, tuple[type[np.generic], int, str]] = {
    'rgb8': (np.uint8, 3, 'rgb8'),
    'bgr8': (np.uint8, 3, 'bgr8'),
    'rgba8': (np.uint8, 4, 'rgba8'),
    'bgra8': (np.uint8, 4, 'bgra8'),
    'rgb16': (np.uint16, 3, 'rgb16'),
    'bgr16': (np.uint16, 3, 'bgr16'),
    'rgba16': (np.uint16, 4, 'rgba16'),
    'bgra16': (np.uint16, 4, 'bgra16'),
    'mono8': (np.uint8, 1, 'mono8'),
    'mono16': (np.uint16, 1, 'mono16'),
    '8UC1': (np.uint8, 1, 'mono8'),
    '8UC3': (np.uint8, 3, 'bgr8'),
    '8UC4': (np.uint8, 4, 'bgra8'),
    '16UC1': (np.uint16, 1, 'mono16'),
    '16UC3': (np.uint16, 3, 'bgr16'),
    '16UC4': (np.uint16, 4, 'bgra16'),
    **{
        f'bayer_{pattern}{bits}': (dtype, 1, f'bayer_{pattern}{bits}')
        for bits, dtype in ((8, np.uint8), (16, np.uint16))
        for pattern in ('rggb', 'bggr', 'gbrg', 'grbg')
    },
    'yuv422': (np.uint8, 2, 'yuv422'),
    'uyvy': (np.uint8, 2, 'yuv422'),
    'yuv422_yuy2': (np.uint8, 2, 'yuv422_yuy2'),
    'yuyv': (np.uint8, 2, 'yuv422_yuy2'),
}
# Luminance above half as many rows of interleaved chrominance, which cv_bridge does not support
# and rosbags-image treats as rows of the image.
_SEMI_PLANAR = {'nv12': cv2.COLOR_YUV2RGB_NV12, 'nv21': cv2.COLOR_YUV2RGB_NV21}

# Encodings of compressed images, by number of channels.
_OF_CHANNELS = {1: 'mono', 3: 'bgr', 4: 'bgra'}


def to_rgb(message: Any) -> NDArray[np.uint8]:
    """Decode the colours of an image message.

    Grey images give three equal channels, 16 bits are scaled to 8, and transparency is left out.

    Args:
        message: a sensor_msgs/Image or CompressedImage, of rclpy or of a bag.

    Returns:
        uint8 RGB [H, W, 3]; it may share the memory of the message and is then read-only.

    Raises:
        ImageError: no pixels, an encoding without colours, sizes that contradict each other or are
            implausible, or a compressed image that is damaged or truncated.
    """
    if hasattr(message, 'format'):
        return _decompressed(message)
    encoding = message.encoding
    if encoding in _SEMI_PLANAR:
        return _semi_planar(message)
    if encoding not in _PACKED:
        raise ImageError(
            f'images of encoding {encoding!r} cannot be grounded; send one of '
            f'{", ".join([*_PACKED, *_SEMI_PLANAR])}'
        )
    dtype, channels, known_as = _PACKED[encoding]
    if encoding.startswith(('yuv', 'uyvy')) and message.width % 2:
        raise ImageError(f'a {encoding} image is {message.width} wide; expected an even width')
    image = pixel_rows(message, dtype, channels)
    if encoding.startswith('bayer') and min(image.shape[:2]) < 2:
        raise ImageError(
            f'a {encoding} image is {message.width} x {message.height}; its pattern takes 2 x 2'
        )
    return _colours(image, known_as)


def _semi_planar(message: Any) -> NDArray[np.uint8]:
    if message.width % 2 or message.height % 2:
        raise ImageError(
            f'size of a {message.encoding} image is {message.width} x {message.height}; expected '
            'even sizes'
        )
    planes = pixel_rows(message, np.uint8, rows=int(message.height) * 3 // 2)
    return np.asarray(cv2.cvtColor(planes, _SEMI_PLANAR[message.encoding]), dtype=np.uint8)


def _decompressed(message: Any) -> NDArray[np.uint8]:
    name = f'a compressed image of format {message.format!r}'
    if 'compressedDepth' in message.format:
        raise ImageError(f'{name} is depth; send a colour image')
    image = decompress(byte_data(message), name)
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype not in (np.uint8, np.uint16) or channels not in _OF_CHANNELS:
        raise ImageError(
            f'{name} contains {channels} channels of {image.dtype}; send grey or colour of 8 or '
            '16 bits'
        )
    # A Bayer pattern is compressed as a grey image.
    encoding = message.format.split(';')[0].strip()
    if not (channels == 1 and encoding.startswith('bayer') and encoding in _PACKED):
        encoding = f'{_OF_CHANNELS[channels]}{8 * image.dtype.itemsize}'
    return _colours(image.reshape(*image.shape[:2], channels), encoding)


def _colours(pixels: NDArray[Any], encoding: str) -> NDArray[np.uint8]:
    """Convert pixels [H, W, C] in an encoding that both libraries support to uint8 RGB."""
    expected = 'rgb8' if pixels.dtype == np.uint8 else 'rgb16'
    if encoding != expected:
        pixels = convert_colours(PlainImage(encoding, pixels), expected)
    if pixels.dtype == np.uint8:
        return pixels
    # Rounded, whereas rosbags-image truncates.
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=255 / 65535), dtype=np.uint8)
