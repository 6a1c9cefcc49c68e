# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from afformer_core.offline.data.heatmaps import (
    blur_kernel_size,
    blur_sigma,
    downsampled,
    downsampled_logits,
    pad_points,
    target_heatmaps,
)


def blurred_by_convolution(pixels, height, width):
    """The definition: a full two-dimensional convolution of the map of ones."""
    size = blur_kernel_size(height, width)
    offsets = torch.arange(size, dtype=torch.float64) - size // 2
    kernel = torch.exp(-0.5 * (offsets / blur_sigma(size)) ** 2)
    kernel = kernel / kernel.sum()
    impulses = torch.zeros(1, 1, height, width, dtype=torch.float64)
    for x, y in pixels:
        impulses[0, 0, y, x] = 1
    padded = functional.pad(impulses + 1e-10, [size // 2] * 4, mode='reflect')
    blurred = functional.conv2d(padded, torch.outer(kernel, kernel)[None, None])[0, 0]
    return blurred / blurred.sum()


def test_kernel_of_the_published_evaluation():
    assert blur_kernel_size(256, 256) == 85
    assert blur_sigma(85) == pytest.approx(13.1)


def test_kernel_scales_with_the_map_and_stays_odd():
    assert [blur_kernel_size(side, side) for side in (64, 128, 192)] == [21, 43, 65]


def test_equals_a_full_convolution_with_reflected_border():
    points = torch.tensor([[[1.9, 0.2], [20.0, 30.7], [38.99, 47.5]]])
    expected = blurred_by_convolution([(1, 0), (20, 30), (38, 47)], 48, 40)
    found = target_heatmaps(points, (48, 40))[0].double()
    assert (found - expected).abs().max() < 1e-6 * expected.max()


def test_points_of_one_pixel_count_once():
    once = target_heatmaps(torch.tensor([[[5.0, 6.0], [20.0, 9.0]]]), (32, 32))
    thrice = target_heatmaps(
        torch.tensor([[[5.0, 6.0], [5.9, 6.9], [20.0, 9.0], [5.2, 6.1]]]), (32, 32)
    )
    assert torch.equal(once, thrice)


def test_points_outside_the_image_count_for_nothing():
    inside = target_heatmaps(torch.tensor([[[5.0, 6.0]]]), (32, 32))
    points = torch.tensor([[[0.0, 32.0], [-1.0, 0.0], [5.0, 6.0], [32.0, 3.0], [9.0, -4.0]]])
    assert torch.equal(target_heatmaps(points, (32, 32)), inside)


def test_a_point_on_the_first_pixel_is_kept_beside_points_outside():
    corner = target_heatmaps(torch.tensor([[[-5.0, 3.0], [0.5, 0.5]]]), (32, 32))
    assert np.unravel_index(int(corner.argmax()), (32, 32)) == (0, 0)


def test_padded_batch_equals_one_at_a_time():
    sets = [np.array([[3.0, 4.0]]), np.array([[8.0, 9.0], [20.0, 1.0], [7.0, 7.0]])]
    batch = target_heatmaps(pad_points(sets), (32, 32))
    for heatmap, points in zip(batch, sets, strict=True):
        alone = target_heatmaps(torch.from_numpy(points)[None], (32, 32))[0]
        assert torch.allclose(heatmap, alone, atol=1e-9)


def test_refuses_points_of_another_shape_and_a_map_too_oblong_for_its_kernel():
    with pytest.raises(ValueError, match=r'\[10, 2\]; expected \[N, P, 2\]'):
        target_heatmaps(torch.zeros(10, 2), (32, 32))
    with pytest.raises(ValueError, match='less elongated'):
        target_heatmaps(torch.zeros(1, 1, 2), (8, 2048))


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
