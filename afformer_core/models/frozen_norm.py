# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation whose statistics and weights stay what they were."""

from __future__ import annotations

from torch import Tensor
from torchvision.ops import FrozenBatchNorm2d


class FrozenNorm(FrozenBatchNorm2d):
    """torchvision's, in the type of what it normalises.

    torchvision's own gives fp32 for half precision, so that all that follows in mixed precision
    is computed in fp32 and converted back.
    """

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] to the same, in the same type."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        scale, shift = (each.to(x.dtype)[None, :, None, None] for each in (scale, shift))
        return x * scale + shift
