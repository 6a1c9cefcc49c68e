# SPDX-License-Identifier: Apache-2.0
"""Decoding of image messages: colours, depth, compressed images, padding, byte order and sizes.

A library converts the colours, see `colour_conversion`. This module handles what neither library
does correctly. Depth follows REP 118 and compressed_depth_image_transport.
"""

from __future__ import annotations

import io
import struct
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import PIL.Image
import simplejpeg
from numpy.typing import NDArray
from rosbags.image import image_to_cvimage

from afformer_core.errors import ImageError
from afformer_core.geometry.camera import DepthImage
from afformer_core.messages.stamps import stamp_nanoseconds

# Far more than any camera produces; a larger size is an error that would take gigabytes.
MAXIMUM_PIXELS = 100_000_000


def pixel_rows(
    message: Any, dtype: Any, channels: int = 1, rows: int | None = None
) -> NDArray[Any]:
    """View the pixels of an image message as an array.

    Args:
        message: a sensor_msgs/Image.
        dtype: type of a channel; its byte order is taken from the message.
        channels: number of interleaved channels.
        rows: number of rows of the data, if it differs from the image's height.

    Returns:
        [rows, W, channels] in the byte order of this machine, without padding; it may share the
        memory of the message and is then read-only.

    Raises:
        ImageError: no pixels, too many, or sizes that contradict each other.
    """
    width, step = int(message.width), int(message.step)
    height = int(message.height) if rows is None else rows
    item = np.dtype(dtype)
    line = width * item.itemsize * channels
    name = f'a {message.encoding} image of {width} x {message.height}'
    if height == 0 or line == 0:
        raise ImageError(f'{name} has no pixels; send at least one')
    if step < line:
        raise ImageError(f'{name} has a step of {step}; a row takes at least {line} bytes')
    check_pixel_count(name, width, height)
    data = byte_data(message)
    # The padding after the last row may be missing.
    if data.size < step * (height - 1) + line:
        raise ImageError(
            f'{name} with a step of {step} has {data.size} bytes of data; expected {step * height}'
        )
    strides = (step, item.itemsize * channels, item.itemsize, 1)
    shape = (height, width, channels, item.itemsize)
    tight = np.lib.stride_tricks.as_strided(data, shape, strides, writeable=False)
    sent = item.newbyteorder('>' if message.is_bigendian else '<')
    image = np.ascontiguousarray(tight).view(sent)[..., 0]
    return np.ascontiguousarray(image, dtype=item.newbyteorder('='))


def byte_data(message: Any) -> NDArray[np.uint8]:
    """Return a view of the `data` of a message as uint8 [N]."""
    data = message.data
    if not len(data):
        return np.zeros(0, np.uint8)
    return np.frombuffer(data, np.uint8)


def check_pixel_count(name: str, width: int, height: int) -> None:
    """Check the size of an image before memory is allocated for it.

    Args:
        name: name of the image, for the error.
        width: width in pixels.
        height: height in pixels.

    Raises:
        ImageError: it has more pixels than any camera produces.
    """
    if width * height > MAXIMUM_PIXELS:
        raise ImageError(
            f'{name} has {width * height / 1e6:.0f} million pixels; '
            f'at most {MAXIMUM_PIXELS / 1e6:.0f} million are read, send a smaller one'
        )


_BEGIN_OF_JPEG = b'\xff\xd8'


def decompress(data: NDArray[np.uint8], name: str) -> NDArray[Any]:
    """Decode a JPEG, PNG, WebP or TIFF.

    Args:
        data: uint8 [N], the bytes of the file.
        name: name of the image, for the errors.

    Returns:
        [H, W] or [H, W, C] in OpenCV's order of channels (BGR, BGRA) and in the type of the image.
        A rotation in its metadata is ignored, because camera calibrations do not account for it.

    Raises:
        ImageError: the data is not such an image, or the image is too large, truncated or damaged.
    """
    encoded = data.tobytes()
    if encoded.startswith(_BEGIN_OF_JPEG):
        return _decode_jpeg(encoded, name)
    _check(encoded, name)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        raise _damaged(encoded, name, 'the decoder finds no image')
    return np.asarray(image)


def _decode_jpeg(encoded: bytes, name: str) -> NDArray[np.uint8]:
    # For a truncated or damaged JPEG, OpenCV returns an image with grey or shifted parts, and
    # reports this only on the console.
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(encoded)
        check_pixel_count(name, width, height)
        if colours == 'Gray':
            return np.asarray(simplejpeg.decode_jpeg(encoded, 'GRAY'), np.uint8)[..., 0]
        return np.asarray(simplejpeg.decode_jpeg(encoded, 'BGR'), np.uint8)
    except ValueError as error:
        raise _damaged(encoded, name, str(error)) from None


def _check(encoded: bytes, name: str) -> None:
    """Raise an error for images that are truncated or would take gigabytes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            opened = PIL.Image.open(io.BytesIO(encoded))
            width, height = opened.size
            check_pixel_count(name, width, height)
            # For a PNG, this compares the checksums without decoding.
            opened.verify()
    except ImageError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(f'{name} is too large: {error}; send a smaller one') from None
    # A reader may fail in any way on a damaged file.
    except Exception as error:  # noqa: BLE001
        raise _damaged(encoded, name, str(error)) from None


def _damaged(encoded: bytes, name: str, reason: str) -> ImageError:
    return ImageError(
        f'{name} and {len(encoded)} bytes cannot be decoded ({reason}); send JPEG or PNG, whole'
    )


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


_DEPTH_ENCODINGS = {'16UC1': np.uint16, 'mono16': np.uint16, '32FC1': np.float32}
# An enumeration, and the two parameters of the quantization of inverse depth.
_DEPTH_HEADER = struct.Struct('<iff')


def says_depth(message: Any) -> bool:
    """Check whether a sensor_msgs/Image or CompressedImage declares depth rather than grey.

    mono16 may be either, so the result is False.
    """
    compressed = hasattr(message, 'format')
    name = message.format if compressed else message.encoding
    return 'compressedDepth' in name or name.split(';')[0].strip() in ('16UC1', '32FC1')


def to_depth(message: Any) -> DepthImage:
    """Decode the depth image of a message.

    Args:
        message: message of rclpy or of a bag: a sensor_msgs/Image of encoding 16UC1 or mono16
            (millimetres, 0 is unknown) or 32FC1 (metres), or a CompressedImage: compressedDepth, a
            PNG of 16UC1 or a TIFF of 32FC1.

    Raises:
        ImageError: unsupported encoding, no pixels, sizes that contradict each other or are
            implausible, or a compressed image that is damaged or truncated.
    """
    if hasattr(message, 'format'):
        values = _decompressed_depth(message)
    elif message.encoding in _DEPTH_ENCODINGS:
        values = pixel_rows(message, _DEPTH_ENCODINGS[message.encoding])[..., 0]
    else:
        raise ImageError(
            f'images of encoding {message.encoding!r} are not depth images; send one of '
            f'{", ".join(_DEPTH_ENCODINGS)}'
        )
    measured = values if values.dtype == np.uint16 else _known_depth(values)
    header = message.header
    return DepthImage(measured, str(header.frame_id), stamp_nanoseconds(header.stamp))


def _known_depth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return metres, with NaN for values that mean unknown: infinite or not positive."""
    known = (values > 0) & (values < np.inf)
    return np.asarray(np.where(known, values, np.float32(np.nan)), dtype=np.float32)


def _decompressed_depth(message: Any) -> NDArray[Any]:
    """uint16 millimetres or float32 metres, [H, W]."""
    data = byte_data(message)
    name = f'a depth image of format {message.format!r}'
    encoding = message.format.split(';')[0].strip()
    if 'compressedDepth' not in message.format:
        image = decompress(data, name)
        _check_payload(image, name, (np.uint16, np.float32))
        return image
    if 'rvl' in message.format.lower():
        raise ImageError(f'{name} is compressed by RVL; set the format of its publisher to png')
    if data.size <= _DEPTH_HEADER.size:
        raise ImageError(f'{name} has {data.size} bytes; a header and a PNG are more')
    _, a, b = _DEPTH_HEADER.unpack(data[: _DEPTH_HEADER.size].tobytes())
    image = decompress(data[_DEPTH_HEADER.size :], name)
    _check_payload(image, name, (np.uint16,))
    if encoding == '32FC1':
        return _of_inverse_depth(image, a, b, name)
    if encoding not in _DEPTH_ENCODINGS:
        raise ImageError(f'{name} contains {encoding!r}; send 16UC1 or 32FC1')
    return image


def _check_payload(image: NDArray[Any], name: str, expected: tuple[type[np.generic], ...]) -> None:
    if image.dtype not in expected or image.ndim != 2:
        raise ImageError(
            f'{name} contains {image.dtype} of shape {image.shape}; depth is '
            f'{" or ".join(kind.__name__ for kind in expected)} [H, W]'
        )


def _of_inverse_depth(
    values: NDArray[np.uint16], a: float, b: float, name: str
) -> NDArray[np.float32]:
    if not (np.isfinite(a) and np.isfinite(b) and a > 0):
        raise ImageError(
            f'{name} is quantized by {a:g} and {b:g}; expected finite numbers, the first above 0'
        )
    # Zero means unknown, and values not above b would lie behind infinity.
    steps = values.astype(np.float32) - np.float32(b)
    known = (values > 0) & (steps > 0)
    metres = np.full(steps.shape, np.nan, np.float32)
    np.divide(np.float32(a), steps, out=metres, where=known)
    return metres


@dataclass(frozen=True)
class PlainImage:
    """The fields of a sensor_msgs/Image without padding, in the byte order of this machine.

    Attributes:
        encoding: encoding of sensor_msgs/image_encodings.
        data: [H, W, channels], contiguous, in the type of the encoding.
    """

    encoding: str
    data: NDArray[Any]

    def __post_init__(self) -> None:
        if self.data.ndim != 3 or not self.data.flags.c_contiguous:
            raise ValueError(
                f'pixels of shape {self.data.shape} are not a plain image; expected contiguous '
                '[H, W, channels]'
            )

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.data.shape[0])

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.data.shape[1])

    @property
    def step(self) -> int:
        """Bytes of a row."""
        return self.data[:1].nbytes

    @property
    def is_bigendian(self) -> int:
        """Byte order of this machine."""
        return int(sys.byteorder == 'big')


def convert_colours(image: PlainImage, encoding: str) -> NDArray[Any]:
    """Convert an image to 'rgb8' or 'rgb16', with the bit depth of the image."""
    return np.asarray(image_to_cvimage(image, encoding))  # type: ignore[arg-type]
