# SPDX-License-Identifier: Apache-2.0
"""The colours of image messages: the one place that knows their encodings."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError
from afformer_core.messages.pixel_rows import byte_data, decompress, pixel_rows

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')

# Encoding: type of a channel, channels, and OpenCV's conversion to RGB. Plain OpenCV types carry
# no meaning; they are read as OpenCV would show them. OpenCV names a Bayer pattern by the second
# and third pixel of the second row, ROS by the first two of both rows; hence the swapped letters.
_PACKED: dict[str, tuple[type[np.generic], int, int | None]] = {
    'rgb8': (np.uint8, 3, None),
    'bgr8': (np.uint8, 3, cv2.COLOR_BGR2RGB),
    'rgba8': (np.uint8, 4, cv2.COLOR_RGBA2RGB),
    'bgra8': (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    'rgb16': (np.uint16, 3, None),
    'bgr16': (np.uint16, 3, cv2.COLOR_BGR2RGB),
    'rgba16': (np.uint16, 4, cv2.COLOR_RGBA2RGB),
    'bgra16': (np.uint16, 4, cv2.COLOR_BGRA2RGB),
    'mono8': (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    'mono16': (np.uint16, 1, cv2.COLOR_GRAY2RGB),
    '8UC1': (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    '8UC3': (np.uint8, 3, cv2.COLOR_BGR2RGB),
    '8UC4': (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    '16UC1': (np.uint16, 1, cv2.COLOR_GRAY2RGB),
    '16UC3': (np.uint16, 3, cv2.COLOR_BGR2RGB),
    '16UC4': (np.uint16, 4, cv2.COLOR_BGRA2RGB),
    'bayer_rggb8': (np.uint8, 1, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': (np.uint8, 1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': (np.uint8, 1, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': (np.uint8, 1, cv2.COLOR_BayerGB2RGB),
    'bayer_rggb16': (np.uint16, 1, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr16': (np.uint16, 1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg16': (np.uint16, 1, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg16': (np.uint16, 1, cv2.COLOR_BayerGB2RGB),
    'yuv422': (np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    'uyvy': (np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    'yuv422_yuy2': (np.uint8, 2, cv2.COLOR_YUV2RGB_YUYV),
    'yuyv': (np.uint8, 2, cv2.COLOR_YUV2RGB_YUYV),
}
# Luminance over half as many rows of interleaved chrominance.
_SEMI_PLANAR = {'nv12': cv2.COLOR_YUV2RGB_NV12, 'nv21': cv2.COLOR_YUV2RGB_NV21}

_OF_CHANNELS = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}


def to_rgb(message: Any) -> NDArray[np.uint8]:
    """The colours of an image message.

    Grey images give three equal channels, 16 bits are scaled to 8, and transparency is left out.

    Args:
        message: a sensor_msgs/Image or CompressedImage, of rclpy or of a bag.

    Returns:
        uint8 RGB [H, W, 3]; it may share the memory of the message and is then read-only.

    Raises:
        ImageError: no pixels, an encoding that shows no colours, sizes that contradict each
            other or are absurd, or a compressed image that is damaged or cut off.
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
    dtype, channels, conversion = _PACKED[encoding]
    if encoding.startswith(('yuv', 'uyvy')) and message.width % 2:
        raise ImageError(f'a {encoding} image is {message.width} wide; it must be even')
    image = pixel_rows(message, dtype, channels)
    if encoding.startswith('bayer') and min(image.shape[:2]) < 2:
        raise ImageError(
            f'a {encoding} image is {message.width} x {message.height}; its pattern takes 2 x 2'
        )
    return _eight_bits(_converted(image, conversion))


def _semi_planar(message: Any) -> NDArray[np.uint8]:
    if message.width % 2 or message.height % 2:
        raise ImageError(
            f'a {message.encoding} image is {message.width} x {message.height}; both must be even'
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
            f'{name} holds {channels} channels of {image.dtype}; send grey or colour of 8 or 16 '
            'bits'
        )
    # A Bayer pattern is compressed as if it were grey.
    encoding = message.format.split(';')[0].strip()
    if channels == 1 and encoding.startswith('bayer') and encoding in _PACKED:
        return _eight_bits(_converted(image, _PACKED[encoding][2]))
    return _eight_bits(_converted(image, _OF_CHANNELS[channels]))


def _converted(image: NDArray[Any], conversion: int | None) -> NDArray[Any]:
    return image if conversion is None else np.asarray(cv2.cvtColor(image, conversion))


def _eight_bits(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    return np.asarray(cv2.convertScaleAbs(image, alpha=255 / 65535), dtype=np.uint8)
