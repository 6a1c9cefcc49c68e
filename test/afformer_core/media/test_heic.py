# SPDX-License-Identifier: Apache-2.0
"""HEIC photographs of phones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from afformer_core.errors import ImageError
from afformer_core.media import images
from afformer_core.media.images import read_image, read_image_size

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
    pytest.importorskip('pi_heif')
    cut = tmp_path / 'cut.heic'
    cut.write_bytes(TURNED.read_bytes()[:600])
    with pytest.raises(ImageError, match=r'cut\.heic cannot be read as an image'):
        read_image(cut)


def test_without_the_library_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pi_heif', None)
    with pytest.raises(ImageError, match='Run `pip install pi-heif`, or convert it to JPEG'):
        read_image(TURNED)
