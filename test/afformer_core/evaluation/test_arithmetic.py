# SPDX-License-Identifier: Apache-2.0
"""Arithmetic is counted as it is done."""

from dataclasses import replace

import pytest

from afformer_core.evaluation.arithmetic import image_flops, matrix_rate
from afformer_core.models import afformer_r50, afformer_small

SMALL = afformer_small(('press', 'pull'), (64, 64))


def test_it_grows_with_the_frames_by_cross_attention_alone() -> None:
    configuration = replace(afformer_r50(('press',), (64, 64)), image_levels=('p4',))
    one, two, four = (image_flops(configuration, frames) for frames in (1, 2, 4))

    # Of 4 x 4 queries in 4 heads: products with keys of 64 + 8 + 8 and values of 64.
    assert two - one == 2 * 4 * 16 * 64 * (80 + 64)
    assert four - two == 2 * (two - one)


def test_it_grows_with_the_area_of_the_image() -> None:
    larger = replace(SMALL, input_size=(128, 128))

    assert 4 < image_flops(larger, 1) / image_flops(SMALL, 1) < 16


def test_the_rate_is_that_of_a_processor() -> None:
    assert 1e8 < matrix_rate(1) < 1e14


@pytest.mark.parametrize('frames', [1, SMALL.maximum_frames])
def test_all_lengths_of_the_model(frames: int) -> None:
    assert image_flops(SMALL, frames) > 1e7
