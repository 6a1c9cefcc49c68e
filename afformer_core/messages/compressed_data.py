# SPDX-License-Identifier: Apache-2.0
"""Compressed pictures to arrays, whole ones only."""

from __future__ import annotations

import io
import warnings
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from afformer_core.errors import ImageError
from afformer_core.messages.pixel_rows import check_pixel_count

_END_OF_JPEG = b'\xff\xd9'
_BEGIN_OF_SCAN = 0xDA
_FILL = 0xFF


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
    _check(picture, name)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(
            f'{name} and {data.size} bytes cannot be decoded; send JPEG or PNG, undamaged'
        )
    return np.asarray(image)


def _check(picture: bytes, name: str) -> None:
    """Refuse what a decoder would fill up with grey, or with gigabytes."""
    problem = f'{name} and {len(picture)} bytes cannot be decoded'
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            opened = PIL.Image.open(io.BytesIO(picture))
            kind, (width, height) = opened.format, opened.size
            check_pixel_count(name, width, height)
            # Of a PNG this compares the checksums; it decodes nothing.
            opened.verify()
    except ImageError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(f'{name} is too large: {error}; send a smaller one') from None
    # A damaged file makes its reader fail in any way.
    except Exception as error:  # noqa: BLE001
        raise ImageError(f'{problem} ({error}); send JPEG or PNG, whole') from None
    if kind in ('JPEG', 'MPO') and not _has_end(picture):
        raise ImageError(f'{problem}: the JPEG lacks its end; send it whole')


def _has_end(picture: bytes) -> bool:
    """Whether the mark of the end follows the first scan of a JPEG.

    The segments before the scan are stepped over, since a thumbnail in them has an end too.
    """
    at = 2
    while at + 3 < len(picture) and picture[at + 1] != _BEGIN_OF_SCAN:
        if picture[at + 1] == _FILL:
            at += 1
        else:
            at += 2 + int.from_bytes(picture[at + 2 : at + 4], 'big')
    return picture.find(_END_OF_JPEG, at) >= 0
