# SPDX-License-Identifier: Apache-2.0
"""The size of an image file, read from its header alone."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
from PIL.ExifTags import Base

# EXIF orientations that swap width and height.
_TURNED = (5, 6, 7, 8)


def shown_size(image: PIL.Image.Image) -> tuple[int, int]:
    """Return (width, height) of an opened image as viewers and OpenCV show it, turned by EXIF."""
    width, height = image.size
    # Pillow would decode a whole PNG to look for EXIF where its header has none.
    turned = 'exif' in image.info and image.getexif().get(Base.Orientation) in _TURNED
    return (height, width) if turned else (width, height)


def read_image_size(path: Path) -> tuple[int, int]:
    """Read (width, height) of an image file as viewers show it.

    Raises:
        ValueError: there is no such file, or it is not an image that can be read.
    """
    if not path.is_file():
        raise ValueError(f'{path} does not exist; expected an image')
    try:
        with PIL.Image.open(path) as image:
            return shown_size(image)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise ValueError(f'{path} is not an image that can be read: {error}') from error
