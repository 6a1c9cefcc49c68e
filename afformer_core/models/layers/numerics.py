# SPDX-License-Identifier: Apache-2.0
"""Normalisation layers, and fp32 for operations that exceed the range of half precision."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import FrozenBatchNorm2d

NORM_EPSILON = 1e-6


def widened(x: Tensor) -> Tensor:
    """Convert a tensor in half precision to fp32; return any other as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class ChannelNorm(nn.Module):
    """Layer normalisation over dimension 1, with weights shaped for broadcasting."""

    def __init__(self, channels: int, trailing: int = 0) -> None:
        super().__init__()
        shape = (channels,) + (1,) * trailing
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C, ...] over C."""
        return self.last(x.transpose(1, -1)).transpose(1, -1)

    def last(self, x: Tensor) -> Tensor:
        """Normalise [..., C] over C."""
        weight, bias = self.weight.flatten(), self.bias.flatten()
        return functional.layer_norm(x, weight.shape, weight, bias, NORM_EPSILON)


class FrozenNorm(FrozenBatchNorm2d):
    """torchvision's frozen batch norm, computed in the type of its input.

    torchvision's version returns fp32 for half precision, so that in mixed precision everything
    after it would be computed in fp32.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C, H, W], in the same type."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        scale, shift = (factor.to(x.dtype)[None, :, None, None] for factor in (scale, shift))
        return x * scale + shift
