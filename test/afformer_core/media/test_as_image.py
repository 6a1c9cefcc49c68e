# SPDX-License-Identifier: Apache-2.0
"""Images as users give them: paths, arrays and Pillow images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from PIL.ExifTags import Base

from afformer_core.errors import ImageError
from afformer_core.media.images import as_image

RGB = np.random.default_rng(3).integers(0, 256, (5, 7, 3), np.uint8)


def test_a_file_by_its_path_or_its_text(tmp_path: Path) -> None:
    PIL.Image.fromarray(RGB).save(tmp_path / 'a.png')

    np.testing.assert_array_equal(as_image(tmp_path / 'a.png'), RGB)
    np.testing.assert_array_equal(as_image(str(tmp_path / 'a.png')), RGB)


def test_an_array_is_not_copied() -> None:
    assert as_image(RGB) is RGB


def test_images_of_pillow_become_rgb() -> None:
    image = PIL.Image.fromarray(RGB)
    grey = image.convert('L')

    np.testing.assert_array_equal(as_image(image), RGB)
    with_alpha = np.dstack([RGB, np.full((5, 7), 9, np.uint8)])
    np.testing.assert_array_equal(as_image(PIL.Image.fromarray(with_alpha)), RGB)
    np.testing.assert_array_equal(as_image(grey), np.asarray(grey)[..., None].repeat(3, 2))


def test_an_image_of_pillow_is_turned_as_a_viewer_shows_it(tmp_path: Path) -> None:
    image = PIL.Image.fromarray(RGB)
    exif = image.getexif()
    exif[Base.Orientation] = 6
    image.save(tmp_path / 'a.png', exif=exif)

    with PIL.Image.open(tmp_path / 'a.png') as opened:
        np.testing.assert_array_equal(as_image(opened), np.rot90(RGB, -1))


@pytest.mark.parametrize(
    ('image', 'reason'),
    [
        (RGB[..., 0], r'the image is uint8 of shape \(5, 7\); expected uint8 RGB'),
        (RGB / 255, 'the image is float64 of shape'),
        (np.dstack([RGB, RGB]), r'of shape \(5, 7, 6\)'),
        (RGB[:0], 'expected at least one pixel'),
        (RGB.tolist(), 'the image is of type list; expected a path, an array'),
        (None, 'the image is of type NoneType'),
        (PIL.Image.new('I;16', (7, 5)), "mode 'I;16'; expected 8 bits a channel"),
        (PIL.Image.new('F', (7, 5)), "mode 'F'; expected 8 bits a channel"),
        ('nowhere.png', 'nowhere.png does not exist; expected an image file'),
    ],
)
def test_what_is_no_image_is_told(image: Any, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        as_image(image)


def test_a_truncated_file_that_pillow_has_opened(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / 'a.png')
    whole = (tmp_path / 'a.png').read_bytes()
    (tmp_path / 'a.png').write_bytes(whole[: len(whole) // 2])

    with (
        PIL.Image.open(tmp_path / 'a.png') as opened,
        pytest.raises(ImageError, match='Pillow image cannot be decoded: image file is truncated'),
    ):
        as_image(opened)
