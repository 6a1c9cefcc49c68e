# SPDX-License-Identifier: Apache-2.0
"""Weights and images made by a formula, which no generator of random numbers changes, or drawn."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def waves(shape: Sequence[int], name: str) -> Tensor:
    """Numbers from -1 to 1 that depend on the name of a parameter."""
    step = 1 + zlib.crc32(name.encode()) % 1000 / 1000
    return torch.sin(step * torch.arange(1, 1 + math.prod(shape))).reshape(shape)


def random_images(*shape: int) -> Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)


def known_images(*shape: int) -> Tensor:
    return (torch.arange(math.prod(shape)) * 7919 // 13 % 256).to(torch.uint8).reshape(shape)


def vitdet_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Tensors of a model over a ViTDet-B by its names, as they are published.

    Relative positions matter. Those of the backbone are tables of a square image of 1024; absolute
    ones are of 224 x 224 pixels and a class token.
    """
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name.endswith('pos_embed'):
            tensors[name] = 0.4 * waves((1, 197, 768), name)
        elif 'rel_pos' in name:
            # Tables of windows of 14 x 14 are not resampled.
            resized = 'decoder' not in name and len(tensor) != 27
            tensors[name] = 0.4 * waves((127 if resized else len(tensor), 64), name)
        elif tensor.ndim == 1:
            tensors[name] = name.endswith('weight') + 0.2 * waves(tensor.shape, name)
        else:
            scale = 8 if 'upsampler' in name else 2
            tensors[name] = waves(tensor.shape, name) * math.sqrt(scale / tensor[0].numel())
    return tensors
