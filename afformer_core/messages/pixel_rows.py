# SPDX-License-Identifier: Apache-2.0
"""Pixels of raw and compressed image messages as arrays: sizes, padding, byte order, decoding."""

from __future__ import annotations

import io
import warnings
from typing import Any

import cv2
import numpy as np
import PIL.Image
import simplejpeg
from numpy.typing import NDArray

from afformer_core.errors import ImageError

# Far above any camera's image; a size beyond it is a mistake that would take gigabytes.
MAXIMUM_PIXELS = 100_000_000


def pixel_rows(
    message: Any, dtype: Any, channels: int = 1, rows: int | None = None
) -> NDArray[Any]:
    """View the pixels of an image message as an array.

    Args:
        message: a sensor_msgs/Image.
        dtype: of a channel; its byte order is taken from the message.
        channels: interleaved in each pixel.
        rows: number of rows of the data, where it is not the image's height.

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
    """View the `data` of a message as uint8 [N], shared with it."""
    data = message.data
    if not len(data):
        return np.zeros(0, np.uint8)
    return np.frombuffer(data, np.uint8)


def check_pixel_count(name: str, width: int, height: int) -> None:
    """Refuse an image before memory is taken for it.

    Args:
        name: what it is, for the error.
        width: in pixels.
        height: in pixels.

    Raises:
        ImageError: it has more pixels than any camera's image.
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
        name: what it is, for the errors.

    Returns:
        [H, W] or [H, W, C] in OpenCV's order of channels (BGR, BGRA) and in the type that the
        image has. A rotation noted in it is ignored, since a camera's calibration knows none.

    Raises:
        ImageError: not such an image, too large, cut off or damaged.
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
    # OpenCV gives an image with grey or shifted parts for a JPEG that is cut off or damaged, and
    # says so on the console only.
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(encoded)
        check_pixel_count(name, width, height)
        if colours == 'Gray':
            return np.asarray(simplejpeg.decode_jpeg(encoded, 'GRAY'), np.uint8)[..., 0]
        return np.asarray(simplejpeg.decode_jpeg(encoded, 'BGR'), np.uint8)
    except ValueError as error:
        raise _damaged(encoded, name, str(error)) from None


def _check(encoded: bytes, name: str) -> None:
    """Refuse what is not whole, or would take gigabytes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            opened = PIL.Image.open(io.BytesIO(encoded))
            width, height = opened.size
            check_pixel_count(name, width, height)
            # Of a PNG this compares the checksums; it decodes nothing.
            opened.verify()
    except ImageError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(f'{name} is too large: {error}; send a smaller one') from None
    # A damaged file makes its reader fail in any way.
    except Exception as error:  # noqa: BLE001
        raise _damaged(encoded, name, str(error)) from None


def _damaged(encoded: bytes, name: str, reason: str) -> ImageError:
    return ImageError(
        f'{name} and {len(encoded)} bytes cannot be decoded ({reason}); send JPEG or PNG, whole'
    )
