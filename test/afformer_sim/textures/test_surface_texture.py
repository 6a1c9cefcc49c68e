# SPDX-License-Identifier: Apache-2.0
"""Images of surfaces."""

import numpy as np
import pytest

from afformer_sim.textures import surface_texture
from afformer_sim.textures.surface_noise import grain
from afformer_sim.textures.surface_patterns import HELD_OUT_PATTERNS, TRAINING_PATTERNS
from afformer_sim.textures.surface_texture import paint_pattern, paint_surface


@pytest.mark.parametrize('name', [*TRAINING_PATTERNS, *HELD_OUT_PATTERNS])
@pytest.mark.parametrize('side', [48, 128])
def test_patterns_are_images_of_the_expected_side(name: str, side: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        image = paint_pattern(rng, name, side)
        assert image.shape == (side, side, 3)
        assert image.dtype == np.uint8


@pytest.mark.parametrize('name', [*TRAINING_PATTERNS, *HELD_OUT_PATTERNS])
def test_patterns_but_the_plain_one_show_something(name: str) -> None:
    rng = np.random.default_rng(1)
    spread = np.median([paint_pattern(rng, name).std(axis=(0, 1)).max() for _ in range(9)])
    assert name == 'plain' or spread > 2


@pytest.mark.parametrize('held_out', [False, True])
def test_half_of_the_surfaces_are_texture_images_and_the_rest_are_patterns_of_the_set(
    held_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[str] = []

    def record_pattern(rng: np.random.Generator, name: str, side: int) -> np.ndarray:
        painted.append(name)
        return np.zeros((side, side, 3), np.uint8)

    def record_texture_image(rng: np.random.Generator, side: int, *, held_out: bool) -> np.ndarray:
        painted.append(f'photograph, held out: {held_out}')
        return np.zeros((side, side, 3), np.uint8)

    monkeypatch.setattr(surface_texture, 'paint_pattern', record_pattern)
    monkeypatch.setattr(surface_texture, 'crop_texture_image', record_texture_image)
    rng = np.random.default_rng(0)
    for _ in range(400):
        paint_surface(rng, held_out=held_out, side=8)
    patterns = HELD_OUT_PATTERNS if held_out else TRAINING_PATTERNS
    assert set(painted) == {*patterns, f'photograph, held out: {held_out}'}
    assert 160 < painted.count(f'photograph, held out: {held_out}') < 240


def test_training_and_held_out_patterns_differ() -> None:
    assert not set(TRAINING_PATTERNS) & set(HELD_OUT_PATTERNS)
    assert len(HELD_OUT_PATTERNS) >= 4
    assert len(TRAINING_PATTERNS) + len(HELD_OUT_PATTERNS) >= 12


def test_the_rng_alone_decides_on_a_surface() -> None:
    for seed in range(10):
        first, second = (paint_surface(np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, second)


def test_grain_is_weak_and_about_nothing() -> None:
    rng = np.random.default_rng(0)
    sheets = np.stack([grain(rng, 30, 50) for _ in range(50)])
    assert sheets.shape == (50, 30, 50)
    assert abs(sheets.mean()) < 0.01
    assert 0.005 < sheets.std() < 0.06
