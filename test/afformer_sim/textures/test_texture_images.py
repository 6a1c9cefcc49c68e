# SPDX-License-Identifier: Apache-2.0
"""Photographs out of installed wheels."""

import numpy as np
import pytest

from afformer_sim.textures import texture_images
from afformer_sim.textures.texture_images import (
    HELD_OUT_TEXTURE_IMAGES,
    TRAINING_TEXTURE_IMAGES,
    crop_texture_image,
)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the photographs that the test reads."""
    names: set[str] = set()
    original = texture_images._read

    def record(name: str) -> texture_images._TextureImage:
        names.add(name)
        return original(name)

    monkeypatch.setattr(texture_images, '_read', record)
    return names


def test_no_texture_image_is_both_for_training_and_held_out() -> None:
    assert not set(TRAINING_TEXTURE_IMAGES) & set(HELD_OUT_TEXTURE_IMAGES)
    everything = len(TRAINING_TEXTURE_IMAGES) + len(HELD_OUT_TEXTURE_IMAGES)
    assert len(HELD_OUT_TEXTURE_IMAGES) >= 0.3 * everything


@pytest.mark.parametrize('held_out', [False, True])
def test_crops_are_squares_of_every_texture_image_of_their_set(
    held_out: bool, read: set[str]
) -> None:
    rng = np.random.default_rng(0)
    crops = [crop_texture_image(rng, 40, held_out=held_out) for _ in range(100)]
    assert {crop.shape for crop in crops} == {(40, 40, 3)}
    assert {crop.dtype for crop in crops} == {np.dtype(np.uint8)}
    assert read == set(HELD_OUT_TEXTURE_IMAGES if held_out else TRAINING_TEXTURE_IMAGES)


def test_the_rng_alone_decides_on_a_crop() -> None:
    crops = [crop_texture_image(np.random.default_rng(seed), 32) for seed in (5, 5, 6)]
    np.testing.assert_array_equal(crops[0], crops[1])
    assert (crops[0] != crops[2]).any()


def test_a_crop_can_be_larger_than_the_texture_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture_images, 'TRAINING_TEXTURE_IMAGES', ('skimage/data/text.png',))
    assert crop_texture_image(np.random.default_rng(0), 500).shape == (500, 500, 3)


def test_grey_texture_images_are_tinted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture_images, 'TRAINING_TEXTURE_IMAGES', ('skimage/data/coins.png',))
    crop = crop_texture_image(np.random.default_rng(0), 64)
    assert np.ptp(crop.astype(int), axis=2).max() > 20


def test_a_missing_package_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture_images, 'TRAINING_TEXTURE_IMAGES', ('absent_package/cat.png',))
    with pytest.raises(ModuleNotFoundError, match=r"absent_package.*pip install '\.\[sim\]'"):
        crop_texture_image(np.random.default_rng(0), 32)


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture_images, 'TRAINING_TEXTURE_IMAGES', ('skimage/data/absent.png',))
    with pytest.raises(FileNotFoundError, match=r'absent\.png does not exist'):
        crop_texture_image(np.random.default_rng(0), 32)
