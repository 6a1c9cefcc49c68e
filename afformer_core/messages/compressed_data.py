# SPDX-License-Identifier: Apache-2.0
"""Compressed pictures to arrays, whole ones only."""

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
from afformer_core.messages.pixel_rows import check_pixel_count

_BEGIN_OF_JPEG = b'\xff\xd8'


def decompress(data: NDArray[np.uint8], name: str) -> NDArray[Any]:
    """Decode a JPEG, PNG, WebP or TIFF.

    Args:
        data: uint8 [N], the bytes of the file.
        name: what it is, for the errors.

    Returns:
        [H, W] or [H, W, C] in OpenCV's order of channels (BGR, BGRA) and in the type that the
        picture has. A rotation noted in it is ignored, since a camera's calibration knows none.

    Raises:
        ImageError: not such a picture, too large, cut off or damaged.
    """
    picture = data.tobytes()
    if picture.startswith(_BEGIN_OF_JPEG):
        return _decode_jpeg(picture, name)
    _check(picture, name)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        raise _damaged(picture, name, 'the decoder finds no picture')
    return np.asarray(image)


def _decode_jpeg(picture: bytes, name: str) -> NDArray[np.uint8]:
    # OpenCV gives a picture with grey or shifted parts for a JPEG that is cut off or damaged, and
    # says so on the console only.
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(picture)
        check_pixel_count(name, width, height)
        if colours == 'Gray':
            return np.asarray(simplejpeg.decode_jpeg(picture, 'GRAY'), np.uint8)[..., 0]
        return np.asarray(simplejpeg.decode_jpeg(picture, 'BGR'), np.uint8)
    except ValueError as error:
        raise _damaged(picture, name, str(error)) from None


def _check(picture: bytes, name: str) -> None:
    """Refuse what is not whole, or would take gigabytes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            opened = PIL.Image.open(io.BytesIO(picture))
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
        raise _damaged(picture, name, str(error)) from None


def _damaged(picture: bytes, name: str, reason: str) -> ImageError:
    return ImageError(
        f'{name} and {len(picture)} bytes cannot be decoded ({reason}); send JPEG or PNG, whole'
    )
