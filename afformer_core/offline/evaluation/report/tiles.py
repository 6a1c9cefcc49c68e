# SPDX-License-Identifier: Apache-2.0
"""Thumbnails of images, and their sources in a page."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.media.images import encode_jpeg
from afformer_core.offline.reports.pages import jpeg_source

RgbImage = NDArray[np.uint8]
"""uint8 RGB [H, W, 3]."""

_QUALITY = 88


def fit(image: RgbImage, side: int) -> RgbImage:
    """Resize an image with its aspect ratio, so that the longer side has `side` pixels."""
    height, width = image.shape[:2]
    scale = side / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if side < max(height, width) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation))


def image_source(image: RgbImage) -> str:
    """Encode an image as a source inside a page."""
    return jpeg_source(encode_jpeg(image, _QUALITY))
