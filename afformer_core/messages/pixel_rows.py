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
