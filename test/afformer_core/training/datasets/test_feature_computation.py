# SPDX-License-Identifier: Apache-2.0
"""Features of parts: the same from any process, and what cannot be read told."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.errors import ImageError
from afformer_core.models import afformer_small
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.local_engine import LocalEngine
from afformer_core.training.datasets.feature_computation import (
    Computation,
    FeaturePart,
    ImageSet,
)
from afformer_core.training.datasets.feature_files import open_features

from ...conftest import random_model

ENCODER = random_model(afformer_small(('press',), (64, 64))).encoder.requires_grad_(False).eval()
normalise = ENCODER.normalise
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 64, 64, 3), np.uint8)


def read(number: int) -> np.ndarray:
    if number == 13:
        raise ImageError('13.png is damaged')
    return IMAGES[number]


def test_stacks_that_cannot_be_read_are_told_and_the_others_are_computed() -> None:
    part = FeaturePart('images', (0, 4, 5), (0, 13, 1))
    found = Computation(ENCODER, {'images': read}, 2)(part)

    assert found.rows == (0, 5)
    assert [[stage.shape[1] for stage in stages] for stages in found.stages] == [
        [40, 112, 320]
    ] * 2
    assert found.unreadable == ('13.png is damaged',)


def test_a_long_clip_is_computed_as_its_frames_are() -> None:
    part = FeaturePart('videos', (0, 1), (np.concatenate(IMAGES[:3]), IMAGES[2]))
    whole, last = Computation(ENCODER, {'videos': np.asarray}, 1)(part).stages

    assert [len(stage) for stage in whole] == [24, 24, 24]
    assert all(np.array_equal(a[16:], b) for a, b in zip(whole, last, strict=True))


@pytest.mark.parametrize('batch', [1, 8, 20, 100])
def test_stacks_that_are_computed_together_are_as_if_alone(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, whose sums may differ in the last digit."""
    part = FeaturePart('images', tuple(range(7)), (0, 1, 13, 2, 3, 4, 13))
    alone = Computation(ENCODER, {'images': read}, 2)(part)
    passed: list[int] = []
    monkeypatch.setattr(
        ENCODER, 'normalise', lambda images: passed.append(len(images)) or normalise(images)
    )

    together = Computation(ENCODER, {'images': read}, 2, batch)(part)

    assert together.rows == alone.rows == (0, 1, 3, 4, 5)
    assert together.unreadable == alone.unreadable == ('13.png is damaged',) * 2
    for found, expected in zip(together.stages, alone.stages, strict=True):
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == np.float16
            np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)
    assert passed == {1: [1] * 40, 8: [8] * 5, 20: [20, 4, 16], 100: [40]}[batch]


@pytest.mark.slow
@pytest.mark.parametrize('engine', [LocalEngine(2), LocalEngine(3)], ids=str)
def test_processes_give_the_bytes_of_one_with_all_cores(
    engine: ParallelEngine, tmp_path: Path
) -> None:
    sets = [ImageSet('videos', range(12), partial(np.take, IMAGES, axis=0))]
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    open_features(tmp_path / 'one', sets, ENCODER, {})
    torch.set_num_threads(threads)
    open_features(tmp_path / 'many', sets, ENCODER, {}, engine)

    files = sorted(path.name for path in (tmp_path / 'one').iterdir())
    assert len(files) == 4
    for name in files:
        one, many = (tmp_path / folder / name for folder in ('one', 'many'))
        assert one.read_bytes() == many.read_bytes(), name
