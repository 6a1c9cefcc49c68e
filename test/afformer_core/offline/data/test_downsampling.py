# SPDX-License-Identifier: Apache-2.0
"""Heatmaps at a lower resolution, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from afformer_core.offline.data.downsampling import downsampled, downsampled_logits


def test_two_pixels_of_each_side_are_averaged() -> None:
    heatmap = torch.tensor([[[1.0, 3, 0, 2], [2, 2, 0, 0], [0, 0, 4, 4], [1, 1, 0, 0]]]) / 20
    found = downsampled(heatmap, (2, 2))
    assert found.tolist() == [[pytest.approx([0.4, 0.1]), pytest.approx([0.1, 0.4])]]


def test_three_pixels_become_two_by_their_distance() -> None:
    # The two middles are at 0.25 and 1.75.
    found = downsampled(torch.tensor([[[8.0, 4, 0]]]) / 12, (1, 2))
    assert found.tolist() == [[pytest.approx([7 / 8, 1 / 8])]]


def test_what_lies_between_the_pixels_that_are_taken_does_not_count() -> None:
    heatmap = torch.zeros(1, 1, 256)
    # The middles of the thirteenth and the fourteenth of 28 are at 113.79 and 122.93.
    heatmap[0, 0, 118], heatmap[0, 0, 123] = 0.9, 0.1
    found = downsampled(heatmap, (1, 28))
    assert found[0, 0, 13] == pytest.approx(1)


@pytest.mark.parametrize('size', [(28, 28), (5, 12), (32, 48)])
def test_logits_are_those_of_the_downsampled_heatmap(size: tuple[int, int]) -> None:
    logits = 3 * torch.randn(2, 32, 48, generator=torch.Generator().manual_seed(0))
    size = min(size[0], 32), min(size[1], 48)
    heatmaps = logits.flatten(1).softmax(1).view_as(logits)
    found = downsampled_logits(logits, size).flatten(1).softmax(1)
    assert torch.allclose(found, downsampled(heatmaps, size).flatten(1), atol=1e-7)


def test_where_nothing_is_expected_there_is_a_gradient() -> None:
    logits = torch.tensor([[[0.0, 0.0, -500.0, -500.0]]], requires_grad=True)
    downsampled_logits(logits, (1, 2))[0, 0, 1].backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == [[pytest.approx([0, 0, 0.5, 0.5])]]


@pytest.mark.parametrize('lower', [downsampled, downsampled_logits])
def test_nothing_is_enlarged(
    lower: Callable[[torch.Tensor, tuple[int, int]], torch.Tensor],
) -> None:
    with pytest.raises(ValueError, match='heatmap_size is 28x28; expected at most 16x64'):
        lower(torch.ones(1, 16, 64), (28, 28))
