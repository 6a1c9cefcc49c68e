# SPDX-License-Identifier: Apache-2.0
"""Encoding of arrays as image messages of any library; cv_bridge supports only rclpy."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError
from afformer_core.messages.factory import MessageFactory

_ENCODINGS = {
    'rgb8': (np.uint8, 3),
    'bgr8': (np.uint8, 3),
    'mono8': (np.uint8, 1),
    '16UC1': (np.uint16, 1),
    '32FC1': (np.float32, 1),
}


def image_message(factory: MessageFactory, image: NDArray[Any], encoding: str, header: Any) -> Any:
    """Create a sensor_msgs/Image without padding.

    Args:
        factory: creates the message.
        image: [H, W] or [H, W, C] in the type of the encoding.
        encoding: 'rgb8', 'bgr8', 'mono8', '16UC1' or '32FC1'.
        header: header of the message, used unchanged.

    Raises:
        ValueError: the encoding is unsupported, or the array does not fit it.
    """
    if encoding not in _ENCODINGS:
        raise ValueError(f'encoding is {encoding!r}; expected one of {", ".join(_ENCODINGS)}')
    dtype, channels = _ENCODINGS[encoding]
    shape = image.shape if image.ndim == 3 else (*image.shape, 1)
    if image.dtype != dtype or len(shape) != 3 or shape[2] != channels or 0 in shape:
        raise ValueError(
            f'the array is {image.dtype} of shape {image.shape}; {encoding} takes '
            f'{np.dtype(dtype)} with {channels} channels and at least one pixel'
        )
    return factory.create(
        'sensor_msgs/msg/Image',
        header=header,
        height=int(shape[0]),
        width=int(shape[1]),
        encoding=encoding,
        is_bigendian=int(sys.byteorder == 'big'),
        step=int(shape[1]) * channels * image.dtype.itemsize,
        data=np.ascontiguousarray(image).reshape(-1).view(np.uint8),
    )


def jpeg_message(
    factory: MessageFactory, image: NDArray[np.uint8], header: Any, quality: int = 90
) -> Any:
    """Create a sensor_msgs/CompressedImage of uint8 RGB [H, W, 3].

    Args:
        factory: creates the message.
        image: image to compress.
        header: header of the message, used unchanged.
        quality: quality of the JPEG, 1 to 100.

    Raises:
        ImageError: the encoder rejects the image.
    """
    try:
        sound, data = cv2.imencode(
            '.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
    except cv2.error:
        sound = False
    if not sound:
        raise ImageError(
            f'an image of {image.dtype} and shape {image.shape} cannot be compressed as JPEG; '
            'give uint8 [H, W, 3]'
        )
    return factory.create(
        'sensor_msgs/msg/CompressedImage',
        header=header,
        format='rgb8; jpeg compressed bgr8',
        data=np.asarray(data, np.uint8).reshape(-1),
    )
