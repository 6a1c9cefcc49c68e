# SPDX-License-Identifier: Apache-2.0
"""Wear of surfaces."""

import numpy as np
import pytest

from afformer_sim.textures.wear import apply_wear


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_wear_keeps_the_type_and_the_range(dtype: type) -> None:
    rng = np.random.default_rng(0)
    for level in (0, 128, 255):
        image = np.full((90, 130, 3), level, dtype)
        apply_wear(image, rng)
        assert image.dtype == dtype
        assert image.min() >= 0
        assert image.max() <= 255


def test_most_images_are_worn_but_remain_what_they_were() -> None:
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(100):
        image = np.full((90, 130, 3), 128, np.uint8)
        apply_wear(image, rng)
        differences.append(np.abs(image.astype(int) - 128).mean())
    worn = np.array(differences) > 0
    assert 0.6 < worn.mean() < 0.95
    assert np.mean(differences) < 12


def test_a_tiny_image_can_be_worn() -> None:
    for seed in range(20):
        apply_wear(np.full((3, 5, 3), 128, np.uint8), np.random.default_rng(seed))
