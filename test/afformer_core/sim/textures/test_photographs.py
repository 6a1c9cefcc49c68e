# SPDX-License-Identifier: Apache-2.0
"""Photographs out of installed wheels."""

import numpy as np
import pytest

from afformer_core.sim.textures import photographs
from afformer_core.sim.textures.photographs import (
    HELD_OUT_PHOTOGRAPHS,
    TRAINING_PHOTOGRAPHS,
    crop_photograph,
)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the photographs that the test reads."""
    names: set[str] = set()
    original = photographs._read

    def record(name: str) -> photographs._Photograph:
        names.add(name)
        return original(name)

    monkeypatch.setattr(photographs, '_read', record)
    return names


def test_no_photograph_is_both_for_training_and_held_out() -> None:
    assert not set(TRAINING_PHOTOGRAPHS) & set(HELD_OUT_PHOTOGRAPHS)
    everything = len(TRAINING_PHOTOGRAPHS) + len(HELD_OUT_PHOTOGRAPHS)
    assert len(HELD_OUT_PHOTOGRAPHS) >= 0.3 * everything


@pytest.mark.parametrize('held_out', [False, True])
def test_crops_are_squares_of_every_photograph_of_their_set(
    held_out: bool, read: set[str]
) -> None:
    rng = np.random.default_rng(0)
    crops = [crop_photograph(rng, 40, held_out) for _ in range(100)]
    assert {crop.shape for crop in crops} == {(40, 40, 3)}
    assert {crop.dtype for crop in crops} == {np.dtype(np.uint8)}
    assert read == set(HELD_OUT_PHOTOGRAPHS if held_out else TRAINING_PHOTOGRAPHS)


def test_the_generator_alone_decides_on_a_crop() -> None:
    crops = [crop_photograph(np.random.default_rng(seed), 32) for seed in (5, 5, 6)]
    np.testing.assert_array_equal(crops[0], crops[1])
    assert (crops[0] != crops[2]).any()


def test_a_crop_can_be_larger_than_the_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, 'TRAINING_PHOTOGRAPHS', ('skimage/data/text.png',))
    assert crop_photograph(np.random.default_rng(0), 500).shape == (500, 500, 3)


def test_grey_photographs_are_tinted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, 'TRAINING_PHOTOGRAPHS', ('skimage/data/coins.png',))
    crop = crop_photograph(np.random.default_rng(0), 64)
    assert np.ptp(crop.astype(int), axis=2).max() > 20


def test_a_missing_package_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, 'TRAINING_PHOTOGRAPHS', ('absent_package/cat.png',))
    with pytest.raises(ModuleNotFoundError, match=r"absent_package.*'afformer\[sim\]'"):
        crop_photograph(np.random.default_rng(0), 32)


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, 'TRAINING_PHOTOGRAPHS', ('skimage/data/absent.png',))
    with pytest.raises(FileNotFoundError, match=r'absent\.png does not exist'):
        crop_photograph(np.random.default_rng(0), 32)
