# SPDX-License-Identifier: Apache-2.0
"""Images of ROS to arrays and back: the one place that knows encodings.

Colours are converted by cv_bridge where ROS provides it and by rosbags-image elsewhere. Neither is
trusted with sizes, padding or byte order: these are checked and undone first.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from afformer_core.errors import ImageError

_Converter = Callable[[NDArray[Any], str], NDArray[Any]]

# Encoding: bytes of a channel, channels, and the name under which its colours are converted.
# Plain OpenCV types carry no meaning; they are read as OpenCV would show them.
_PACKED = {
    'rgb8': (1, 3, 'rgb8'),
    'bgr8': (1, 3, 'bgr8'),
    'rgba8': (1, 4, 'rgba8'),
    'bgra8': (1, 4, 'bgra8'),
    'rgb16': (2, 3, 'rgb16'),
    'bgr16': (2, 3, 'bgr16'),
    'rgba16': (2, 4, 'rgba16'),
    'bgra16': (2, 4, 'bgra16'),
    'mono8': (1, 1, 'mono8'),
    'mono16': (2, 1, 'mono16'),
    '8UC1': (1, 1, 'mono8'),
    '8UC3': (1, 3, 'bgr8'),
    '8UC4': (1, 4, 'bgra8'),
    '16UC1': (2, 1, 'mono16'),
    '16UC3': (2, 3, 'bgr16'),
    '16UC4': (2, 4, 'bgra16'),
    'bayer_rggb8': (1, 1, 'bayer_rggb8'),
    'bayer_bggr8': (1, 1, 'bayer_bggr8'),
    'bayer_gbrg8': (1, 1, 'bayer_gbrg8'),
    'bayer_grbg8': (1, 1, 'bayer_grbg8'),
    'bayer_rggb16': (2, 1, 'bayer_rggb16'),
    'bayer_bggr16': (2, 1, 'bayer_bggr16'),
    'bayer_gbrg16': (2, 1, 'bayer_gbrg16'),
    'bayer_grbg16': (2, 1, 'bayer_grbg16'),
    'yuv422': (1, 2, 'yuv422'),
    'uyvy': (1, 2, 'yuv422'),
    'yuv422_yuy2': (1, 2, 'yuv422_yuy2'),
    'yuyv': (1, 2, 'yuv422_yuy2'),
}
# Luminance over half as many rows of interleaved chrominance; read alike by neither library.
_SEMI_PLANAR = {'nv12': cv2.COLOR_YUV2RGB_NV12, 'nv21': cv2.COLOR_YUV2RGB_NV21}

_PUBLISHED = {
    'rgb8': (np.uint8, 3),
    'bgr8': (np.uint8, 3),
    'mono8': (np.uint8, 1),
    '16UC1': (np.uint16, 1),
    '32FC1': (np.float32, 1),
}


def to_rgb(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """The colours of an image message.

    Grey images give three equal channels; 16 bits are scaled to 8.

    Returns:
        uint8 RGB [H, W, 3]; it may share the memory of the message and is then read-only.

    Raises:
        ImageError: no pixels, an encoding that shows no colours, sizes that contradict each
            other, or a compressed image that cannot be decoded.
    """
    if isinstance(message, CompressedImage):
        return _decompress(message)
    if message.encoding == 'rgb8':
        return _rows(message, 1, 3)
    if message.encoding in _SEMI_PLANAR:
        return _semi_planar(message)
    if message.encoding not in _PACKED:
        raise ImageError(
            f'images of encoding {message.encoding!r} cannot be grounded; send one of '
            f'{", ".join([*_PACKED, *_SEMI_PLANAR])}'
        )
    item_size, channels, encoding = _PACKED[message.encoding]
    if encoding.startswith('yuv') and message.width % 2:
        raise ImageError(f'a {message.encoding} image is {message.width} wide; it must be even')
    return np.asarray(_converter()(_rows(message, item_size, channels), encoding), dtype=np.uint8)


def to_message(image: NDArray[Any], encoding: str, header: Header) -> Image:
    """An image message without padding.

    Args:
        image: [H, W] or [H, W, C] of the type that the encoding has.
        encoding: 'rgb8', 'bgr8', 'mono8', '16UC1' or '32FC1'.
        header: taken as it is.

    Raises:
        ValueError: another encoding, or an array that does not fit it.
    """
    if encoding not in _PUBLISHED:
        raise ValueError(f'encoding is {encoding!r}; it must be one of {", ".join(_PUBLISHED)}')
    dtype, channels = _PUBLISHED[encoding]
    shape = image.shape if image.ndim == 3 else (*image.shape, 1)
    if image.dtype != dtype or len(shape) != 3 or shape[2] != channels or 0 in shape:
        raise ValueError(
            f'the array is {image.dtype} of shape {image.shape}; {encoding} takes '
            f'{np.dtype(dtype)} with {channels} channels and at least one pixel'
        )
    message = Image()
    message.header = header
    message.height, message.width = int(shape[0]), int(shape[1])
    message.encoding = encoding
    message.is_bigendian = int(sys.byteorder == 'big')
    message.step = message.width * channels * image.dtype.itemsize
    # rclpy checks each byte of any other type one by one.
    data = array('B')
    data.frombytes(np.ascontiguousarray(image).data.cast('B'))
    message.data = data
    return message


def compress(image: NDArray[np.uint8], header: Header, quality: int = 90) -> CompressedImage:
    """A JPEG message of uint8 RGB [H, W, 3].

    Raises:
        ImageError: the encoder refuses the image.
    """
    sound, data = cv2.imencode(
        '.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not sound:
        raise ImageError(f'an image of shape {image.shape} cannot be compressed as JPEG')
    message = CompressedImage()
    message.header = header
    message.format = 'rgb8; jpeg compressed bgr8'
    message.data = array('B', data.tobytes())
    return message


def _rows(message: Image, item_size: int, channels: int, rows: int | None = None) -> NDArray[Any]:
    """[rows, W, C] of a message, in the byte order of this machine, without padding."""
    height = message.height if rows is None else rows
    line = message.width * item_size * channels
    name = f'a {message.encoding} image of {message.width} x {message.height}'
    if height == 0 or line == 0:
        raise ImageError(f'{name} has no pixels')
    if message.step < line:
        raise ImageError(f'{name} has a step of {message.step}; a row takes at least {line} bytes')
    data = np.frombuffer(message.data, np.uint8)
    # The padding after the last row may be missing.
    if data.size < message.step * (height - 1) + line:
        raise ImageError(
            f'{name} with a step of {message.step} has {data.size} bytes of data; '
            f'it must have {message.step * height}'
        )
    strides = (message.step, item_size * channels, item_size, 1)
    shape = (height, message.width, channels, item_size)
    tight = np.lib.stride_tricks.as_strided(data, shape, strides, writeable=False)
    order = '>' if message.is_bigendian else '<'
    image = np.ascontiguousarray(tight).view(np.dtype(f'{order}u{item_size}'))[..., 0]
    return np.ascontiguousarray(image, dtype=image.dtype.newbyteorder('='))


def _semi_planar(message: Image) -> NDArray[np.uint8]:
    if message.width % 2 or message.height % 2:
        raise ImageError(
            f'a {message.encoding} image is {message.width} x {message.height}; both must be even'
        )
    planes = _rows(message, 1, 1, message.height * 3 // 2)[..., 0]
    return np.asarray(cv2.cvtColor(planes, _SEMI_PLANAR[message.encoding]), dtype=np.uint8)


def _decompress(message: CompressedImage) -> NDArray[np.uint8]:
    if 'compressedDepth' in message.format:
        raise ImageError(
            f'a compressed image of format {message.format!r} is depth; send a colour image'
        )
    data = np.frombuffer(message.data, np.uint8)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(
            f'a compressed image of format {message.format!r} and {data.size} bytes cannot be '
            'decoded; send JPEG or PNG'
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


_chosen: list[_Converter] = []


def _converter() -> _Converter:
    if not _chosen:
        _chosen.append(available_converters()[0][1])
    return _chosen[0]


def available_converters() -> list[tuple[str, _Converter]]:
    """Libraries that convert colours here, the preferred one first.

    Returns:
        (name, function) pairs; a function takes a tight array [H, W, C] with its encoding and
        gives uint8 RGB [H, W, 3].

    Raises:
        ImportError: there is none.
    """
    found: list[tuple[str, _Converter]] = []
    probe = np.array([[[10, 20, 30], [200, 100, 0]]], np.uint8)
    for name, load in (('cv_bridge', _load_cv_bridge), ('rosbags-image', _load_rosbags_image)):
        try:
            converter = load()
            sound = np.array_equal(converter(probe, 'bgr8'), probe[..., ::-1])
        # A cv_bridge built against another NumPy or OpenCV fails in any way when it is used.
        except Exception:  # noqa: BLE001
            continue
        if sound:
            found.append((name, converter))
    if not found:
        raise ImportError(
            'images cannot be converted: install cv_bridge of your ROS distribution, or '
            'rosbags-image from PyPI'
        )
    return found


def _load_cv_bridge() -> _Converter:
    from cv_bridge import CvBridge

    bridge = CvBridge()

    def convert(image: NDArray[Any], encoding: str) -> NDArray[Any]:
        message = _tight_message(image, encoding)
        return np.asarray(bridge.imgmsg_to_cv2(message, desired_encoding='rgb8'))

    return convert


def _load_rosbags_image() -> _Converter:
    from rosbags.image import image_to_cvimage

    def convert(image: NDArray[Any], encoding: str) -> NDArray[Any]:
        message: Any = _tight_message(image, encoding)
        return np.asarray(image_to_cvimage(message, 'rgb8'))

    return convert


def _tight_message(image: NDArray[Any], encoding: str) -> Image:
    message = Image()
    message.height, message.width = image.shape[:2]
    message.encoding = encoding
    message.is_bigendian = int(sys.byteorder == 'big')
    message.step = image.strides[0]
    data = array('B')
    data.frombytes(image.data.cast('B'))
    message.data = data
    return message
