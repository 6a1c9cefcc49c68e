# SPDX-License-Identifier: Apache-2.0
"""Sizes of images as they are shown, however a camera was held."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from PIL.ExifTags import Base

from afformer_core.media.images import read_image_size


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp'])
@pytest.mark.parametrize('orientation', [1, 3, 5, 6, 7, 8])
def test_the_size_is_that_of_what_opencv_reads(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    path = tmp_path / f'a.{suffix}'
    image = PIL.Image.new('RGB', (64, 48))
    exif = image.getexif()
    exif[Base.Orientation] = orientation
    image.save(path, exif=exif)
    height, width = cv2.imread(str(path)).shape[:2]
    assert read_image_size(path) == (width, height)
    assert (width, height) == ((64, 48) if orientation < 5 else (48, 64))


def test_nothing_but_the_header_is_read(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / 'a.png')
    content = (tmp_path / 'a.png').read_bytes()
    (tmp_path / 'a.png').write_bytes(content[:200])
    assert read_image_size(tmp_path / 'a.png') == (64, 48)


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'a\.jpg does not exist; expected an image'):
        read_image_size(tmp_path / 'a.jpg')
    (tmp_path / 'a.jpg').write_text('text')
    with pytest.raises(ValueError, match=r'a\.jpg cannot be read as an image'):
        read_image_size(tmp_path / 'a.jpg')
