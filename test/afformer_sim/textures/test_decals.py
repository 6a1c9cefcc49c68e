# SPDX-License-Identifier: Apache-2.0
"""Stickers on panels."""

import numpy as np
import pytest

from afformer_sim.textures.decals import apply_decals, paint_decal


@pytest.mark.parametrize('held_out', [False, True])
@pytest.mark.parametrize('side', [8, 48, 100])
def test_a_decal_has_its_longer_side_and_is_seen(side: int, held_out: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        decal = paint_decal(rng, held_out=held_out, side=side)
        assert decal.dtype == np.uint8
        assert decal.shape[2] == 4
        assert max(decal.shape[:2]) == side
        assert decal[..., 3].max() == 255


def test_too_small_a_decal_is_refused() -> None:
    with pytest.raises(ValueError, match='side is 7; expected at least 8 pixels'):
        paint_decal(np.random.default_rng(0), side=7)


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_decals_change_a_part_of_the_image_in_place(dtype: type) -> None:
    image = np.full((120, 200, 3), 90, dtype)
    apply_decals(image, np.random.default_rng(2))
    changed = (image != 90).any(axis=2).mean()
    assert 0.005 < changed < 0.5
    assert image.dtype == dtype
    assert image.min() >= 0
    assert image.max() <= 255


def test_some_images_get_no_decal() -> None:
    rng = np.random.default_rng(0)
    bare = 0
    for _ in range(100):
        image = np.full((60, 60, 3), 90, np.uint8)
        apply_decals(image, rng)
        bare += int((image == 90).all())
    assert 10 < bare < 45


def test_a_image_that_is_too_small_for_decals_stays_as_it_is() -> None:
    image = np.full((12, 300, 3), 90, np.uint8)
    for seed in range(20):
        apply_decals(image, np.random.default_rng(seed))
    assert (image == 90).all()
