# SPDX-License-Identifier: Apache-2.0
"""Images from files, arrays and Pillow, their sizes, and the model's input size."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from PIL.ExifTags import Base

from afformer_core.errors import ImageError
from afformer_core.media import images
from afformer_core.media.images import as_image, read_image, read_image_size, resize_to_input

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


SIZE = (192, 192)


def smooth_image(width: int, height: int) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    ('width', 'height'), [(640, 480), (1920, 1080), (848, 480), (427, 385), (384, 200)]
)
def test_every_pixel_has_its_part_in_the_mean(width: int, height: int) -> None:
    image = smooth_image(width, height)

    resized = resize_to_input(image, SIZE)

    area = cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA)
    difference = np.abs(resized.astype(int) - area)
    assert difference.mean() < 0.5
    assert difference.max() <= 6


@pytest.mark.parametrize('is_wide', [True, False])
def test_what_shrinks_along_one_axis_is_averaged_too(is_wide: bool) -> None:
    # The two pixels in the middle would be interpolated to 50.
    line = np.repeat(np.array([0, 0, 100, 0] * 4, np.uint8)[:, None], 3, axis=1)
    image = np.ascontiguousarray(np.stack([line] * 4))
    if not is_wide:
        image = np.ascontiguousarray(image.swapaxes(0, 1))

    assert np.all(resize_to_input(image, (4, 4)) == 25)


def test_what_has_the_size_already_is_left_alone() -> None:
    image = smooth_image(192, 192)

    assert resize_to_input(image, SIZE) is image


def test_each_axis_has_its_own_scale() -> None:
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 50:] = 200

    resized = resize_to_input(image, SIZE)

    assert resized.shape == (192, 192, 3)
    assert (resized[:, :90] == 0).all()
    assert (resized[:, 102:] == 200).all()


def test_what_is_no_image_is_not_resized() -> None:
    with pytest.raises(ImageError, match=r'shape \(4, 4, 4\); expected uint8 RGB'):
        resize_to_input(np.zeros((4, 4, 4), np.uint8), SIZE)


# Red above blue, with a yellow corner on the lower right: 96 x 64 pixels, turned by its EXIF
# orientation.
TURNED = Path(__file__).with_name('turned.heic')


@pytest.fixture(autouse=True)
def unregistered() -> Iterator[None]:
    images._register_heic.cache_clear()
    yield
    images._register_heic.cache_clear()


def test_a_photograph_is_turned_by_its_orientation() -> None:
    pytest.importorskip('pi_heif')
    image = read_image(TURNED)
    assert image.shape == (96, 64, 3)
    assert image[5, 5].tolist() == pytest.approx([200, 30, 40], abs=6)
    assert image[90, 5].tolist() == pytest.approx([20, 60, 190], abs=6)
    assert image[90, 60].tolist() == pytest.approx([240, 240, 60], abs=6)
    assert read_image_size(TURNED) == (64, 96)
    reduced = read_image(TURNED, 4)
    assert reduced.shape == (24, 16, 3)
    assert reduced[1, 1].tolist() == pytest.approx([200, 30, 40], abs=6)


def test_a_truncated_photograph_is_told(tmp_path: Path) -> None:
    cut = tmp_path / 'cut.heic'
    cut.write_bytes(TURNED.read_bytes()[:600])
    with pytest.raises(ImageError, match=r'cut\.heic cannot be read as an image'):
        read_image(cut)


def test_without_the_library_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pi_heif', None)
    for read, kind in ((read_image, ImageError), (read_image_size, ValueError)):
        with pytest.raises(kind, match=r'Run `pip install pi-heif`, or convert it to JPEG'):
            read(TURNED)
