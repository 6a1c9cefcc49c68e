# SPDX-License-Identifier: Apache-2.0
"""Pictures as files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_jpeg(path: Path, image: np.ndarray, quality: int) -> None:
    """Write uint8 [H, W, 3] RGB as a JPEG of a quality from 0 to 100; its folder exists."""
    encoded = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    path.write_bytes(encoded.tobytes())
