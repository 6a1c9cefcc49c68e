# SPDX-License-Identifier: Apache-2.0
"""Decoding of depth messages, according to REP 118 and compressed_depth_image_transport."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.messages.pixel_rows import byte_data, decompress, pixel_rows
from afformer_core.messages.stamps import stamp_nanoseconds

_ENCODINGS = {'16UC1': np.uint16, 'mono16': np.uint16, '32FC1': np.float32}
# An enumeration, and the two parameters of the quantization of inverse depth.
_HEADER = struct.Struct('<iff')


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
        values = _decompressed(message)
    elif message.encoding in _ENCODINGS:
        values = pixel_rows(message, _ENCODINGS[message.encoding])[..., 0]
    else:
        raise ImageError(
            f'images of encoding {message.encoding!r} are not depth images; send one of '
            f'{", ".join(_ENCODINGS)}'
        )
    measured = values if values.dtype == np.uint16 else _known(values)
    header = message.header
    return DepthImage(measured, str(header.frame_id), stamp_nanoseconds(header.stamp))


def _known(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return metres, with NaN for values that mean unknown: infinite or not positive."""
    known = (values > 0) & (values < np.inf)
    return np.asarray(np.where(known, values, np.float32(np.nan)), dtype=np.float32)


def _decompressed(message: Any) -> NDArray[Any]:
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
    if data.size <= _HEADER.size:
        raise ImageError(f'{name} has {data.size} bytes; a header and a PNG are more')
    _, a, b = _HEADER.unpack(data[: _HEADER.size].tobytes())
    image = decompress(data[_HEADER.size :], name)
    _check_payload(image, name, (np.uint16,))
    if encoding == '32FC1':
        return _of_inverse_depth(image, a, b, name)
    if encoding not in _ENCODINGS:
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
