# SPDX-License-Identifier: Apache-2.0
"""Packing of several pyramid levels of a frame into one tensor on the grid of the coarsest.

Whatever the architecture, the features of a frame are one tensor with one grid, so that nothing
between `encode_frames` and `memorize` has to know which levels the video has.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def pack_levels(levels: Sequence[Tensor]) -> Tensor:
    """Join levels along the channels, without loss.

    Args:
        levels: each [N, C, height, width], coarse to fine; the sides of each are a multiple of
            those of the first.

    Returns:
        [N, C', height, width] on the grid of the first; the positions of finer levels become
        channels.
    """
    packed = []
    for level in levels:
        scale = level.shape[-1] // levels[0].shape[-1]
        packed.append(functional.pixel_unshuffle(level, scale) if scale > 1 else level)
    return torch.cat(packed, dim=1) if len(packed) > 1 else packed[0]


def unpack_levels(packed: Tensor, scales: Sequence[int], channels: int) -> list[Tensor]:
    """Separate the levels that `pack_levels` joined.

    Args:
        packed: [..., C', height, width].
        scales: width of each level as a multiple of the first one's.
        channels: channels C of each level.

    Returns:
        levels, each [..., C, scale * height, scale * width].
    """
    parts = packed.split([channels * scale**2 for scale in scales], dim=-3)
    return [
        functional.pixel_shuffle(part, scale) if scale > 1 else part
        for part, scale in zip(parts, scales, strict=True)
    ]
