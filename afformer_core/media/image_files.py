# SPDX-License-Identifier: Apache-2.0
"""Readers and writers of image files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError
from afformer_core.files.atomic import write_aside

PICTURE_SUFFIXES = ('.jpeg', '.jpg', '.png')


def require_picture_path(path: Path) -> None:
    """Check that an image can be written to a path, before spending time on the image.

    Raises:
        ValueError: it cannot.
    """
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise ValueError(
            f'{path} ends in {path.suffix!r}; expected one of {", ".join(PICTURE_SUFFIXES)}'
        )


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a JPEG or PNG, whole or not at all.

    Args:
        path: file that ends in one of `PICTURE_SUFFIXES`.
        picture: uint8 RGB [H, W, 3].

    Raises:
        ValueError: the path ends otherwise.
        OSError: the file cannot be written.
    """
    require_picture_path(path)
    encoded, data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise OSError(
            f'the image {path} of shape {picture.shape} cannot be encoded; expected at most 65535 '
            'pixels a side in a JPEG'
        )
    write_aside(path, data.tobytes())


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file as uint8 RGB [H, W, 3].

    Raises:
        ImageError: it is missing, empty or not an image.
    """
    if not path.is_file():
        raise ImageError(f'{path} does not exist; expected an image file')
    data = np.fromfile(path, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise ImageError(f'{path} ({data.size} bytes) is not an image that can be read')
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def write_jpeg(path: Path, image: np.ndarray, quality: int) -> None:
    """Write uint8 [H, W, 3] RGB as a JPEG of quality 0 to 100 into an existing folder."""
    encoded = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    path.write_bytes(encoded.tobytes())
