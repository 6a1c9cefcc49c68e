# SPDX-License-Identifier: Apache-2.0
"""Several pyramid levels of a frame as one tensor on the grid of the video level.

Whatever the architecture, the features of a frame are one tensor with one grid, so that nothing
between `encode_frames` and `memorize` has to know which levels the video has.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def pack_levels(levels: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Join levels along the channels; nothing is lost.

    Args:
        levels: each [N, C, height, width], of `size`, half of it, or twice as much.
        size: (height, width) of the video level.

    Returns:
        [N, C', *size]: a coarser level repeated, a finer one with its places as channels.
    """
    packed = []
    for level in levels:
        if level.shape[-2] > size[0]:
            packed.append(functional.pixel_unshuffle(level, 2))
        else:
            packed.append(functional.interpolate(level, size=size, mode='nearest'))
    return torch.cat(packed, dim=1)


def unpack_levels(packed: Tensor, sizes: Sequence[tuple[int, int]], channels: int) -> list[Tensor]:
    """The levels that `pack_levels` joined.

    Args:
        packed: [..., C', height, width].
        sizes: (height, width) of each level.
        channels: C of each.

    Returns:
        each [..., C, *size].
    """
    levels, first = [], 0
    for size in sizes:
        if size[0] > packed.shape[-2]:
            part = packed[..., first : first + 4 * channels, :, :]
            levels.append(functional.pixel_shuffle(part, 2))
            first += 4 * channels
        else:
            step = packed.shape[-2] // size[0]
            levels.append(packed[..., first : first + channels, ::step, ::step])
            first += channels
    return levels
