# SPDX-License-Identifier: Apache-2.0
"""Heatmaps at a lower resolution, by bilinear interpolation (paper, section 5.2)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def downsampled(heatmaps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize probabilities to a lower resolution.

    Args:
        heatmaps: [N, H, W] probabilities, none negative.
        size: (height, width), at most (H, W).

    Returns:
        float32 [N, height, width], each of sum 1.

    Raises:
        ValueError: the size is larger than the heatmaps.
    """
    _require_smaller(heatmaps, size)
    small = functional.interpolate(heatmaps.float()[:, None], size, mode='bilinear')[:, 0]
    return small / small.sum((1, 2), keepdim=True)


def downsampled_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Compute the logits, up to a constant, of the downsampled heatmaps of `logits`.

    Very small probabilities do not become zero in between, because the logarithm of zero has no
    gradient.

    Args:
        logits: [N, H, W] before the softmax over the pixels.
        size: (height, width), at most (H, W).

    Returns:
        float32 [N, height, width].

    Raises:
        ValueError: the size is larger than the heatmaps.
    """
    _require_smaller(logits, size)
    return _interpolated(_interpolated(logits.float(), 1, size[0]), 2, size[1])


def _interpolated(logits: Tensor, axis: int, length: int) -> Tensor:
    """Interpolate the exponentials of logits linearly along an axis, in logarithms."""
    side = logits.shape[axis]
    centres = (torch.arange(length, device=logits.device) + 0.5) * (side / length) - 0.5
    lower = centres.clamp(min=0).floor()
    share = (centres - lower).clamp(min=0)
    shape = [1, 1, 1]
    shape[axis] = length
    first = logits.index_select(axis, lower.long()) + (1 - share).log().view(shape)
    following = (lower.long() + 1).clamp(max=side - 1)
    second = logits.index_select(axis, following) + share.log().view(shape)
    return torch.logaddexp(first, second)


def _require_smaller(heatmaps: Tensor, size: tuple[int, int]) -> None:
    height, width = heatmaps.shape[1:]
    if size[0] > height or size[1] > width:
        raise ValueError(
            f'heatmap_size is {size[0]}x{size[1]}; expected at most {height}x{width}, the size of '
            'the heatmaps'
        )
