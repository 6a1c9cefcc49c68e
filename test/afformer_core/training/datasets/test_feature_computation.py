# SPDX-License-Identifier: Apache-2.0
"""Features of parts: the same from any process, and what cannot be read told."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.errors import ImageError
from afformer_core.models import afformer_small
from afformer_core.parallel.engine import Engine
from afformer_core.parallel.local_engine import LocalEngine
from afformer_core.training.datasets.feature_computation import (
    Computation,
    FeaturePart,
    ImageSet,
    ahead,
)
from afformer_core.training.datasets.feature_files import open_features

from ...conftest import random_model

ENCODER = random_model(afformer_small(('press',), (64, 64))).encoder.requires_grad_(False).eval()
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


@pytest.mark.slow
@pytest.mark.parametrize('engine', [LocalEngine(2), LocalEngine(3)], ids=str)
def test_processes_give_the_bytes_of_one_with_all_cores(engine: Engine, tmp_path: Path) -> None:
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


def test_items_are_taken_ahead_and_errors_come_through() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            taken.append(number)
            yield number
        raise ImageError('the sixth is damaged')

    found = ahead(items(), 2)
    assert next(found) == 0
    assert [next(found) for _ in range(4)] == [1, 2, 3, 4]
    assert taken == [0, 1, 2, 3, 4]
    with pytest.raises(ImageError, match='sixth'):
        next(found)
    assert list(ahead([], 2)) == []
