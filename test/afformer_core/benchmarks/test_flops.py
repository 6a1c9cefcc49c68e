# SPDX-License-Identifier: Apache-2.0
"""Arithmetic is counted as it is done."""

from dataclasses import replace

import pytest

from afformer_core.benchmarks.flops import image_flops, matrix_rate
from afformer_core.models import afformer_r50, afformer_small

SMALL = afformer_small(('press', 'pull'), (64, 64))


def test_it_grows_with_the_frames_by_cross_attention_alone() -> None:
    r50 = afformer_r50(('press',), (64, 64))
    configuration = replace(r50, image_levels=('p4',), temporal_strides=(1,))
    one, two, four = (image_flops(configuration, frames) for frames in (1, 2, 4))

    # Of 4 x 4 queries in 4 heads: products with keys of 64 + 8 + 8 and values of 64.
    assert two - one == 2 * 4 * 16 * 64 * (80 + 64)
    assert four - two == 2 * (two - one)


def test_it_grows_with_the_area_of_the_image() -> None:
    larger = replace(SMALL, input_size=(128, 128))

    assert 4 < image_flops(larger, 1) / image_flops(SMALL, 1) < 16


def test_the_rate_is_that_of_the_median_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fourteen products of 10 ms, begun a second apart, and one that something came between."""
    seconds = [0.01] * 7 + [5.0] + [0.01] * 7
    clock = iter([time for begin, each in enumerate(seconds) for time in (begin, begin + each)])
    monkeypatch.setattr('time.perf_counter', lambda: next(clock))

    # A product of two matrices of 1024 x 1024 is 1024**3 multiplications and additions.
    assert matrix_rate(1) == pytest.approx(214_748_364_800, rel=1e-6)


@pytest.mark.parametrize('frames', [1, SMALL.maximum_frames])
def test_all_lengths_of_the_model(frames: int) -> None:
    assert image_flops(SMALL, frames) > 1e7
