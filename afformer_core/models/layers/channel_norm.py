# SPDX-License-Identifier: Apache-2.0
"""Layer normalisation over the channels of feature maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

NORM_EPSILON = 1e-6


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
