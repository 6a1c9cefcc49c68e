# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation with frozen statistics and weights."""

from __future__ import annotations

from torch import Tensor
from torchvision.ops import FrozenBatchNorm2d


class FrozenNorm(FrozenBatchNorm2d):
    """torchvision's frozen batch norm, computed in the type of its input.

    torchvision's own returns fp32 for half precision, so that in mixed precision all that follows
    would be computed in fp32.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C, H, W], in the same type."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        scale, shift = (each.to(x.dtype)[None, :, None, None] for each in (scale, shift))
        return x * scale + shift
