# SPDX-License-Identifier: Apache-2.0
"""Deconvolutions from decoded features to heatmaps of four times their size."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.layers.channel_norm import ChannelNorm


class Upsampler(nn.Sequential):
    """Two deconvolutions with a norm and an activation between, each doubling the size.

    Their kernels do not overlap, so each is a matrix product at every position. Channels stay last
    until the heatmaps are done, so that only the heatmaps, of which there are few, are rearranged.

    Args:
        channels: width C of the decoded features.
        heatmaps: number of heatmaps.
    """

    def __init__(self, channels: int, heatmaps: int) -> None:
        half = channels // 2
        super().__init__(
            nn.ConvTranspose2d(channels, half, kernel_size=2, stride=2),
            ChannelNorm(half),
            nn.GELU(),
            nn.ConvTranspose2d(half, heatmaps, kernel_size=2, stride=2),
        )

    def forward(self, decoded: Tensor) -> Tensor:
        """Upsample [B, C, height, width] to heatmaps [B, heatmaps, 4 * height, 4 * width]."""
        first, norm, activation, second = self
        assert isinstance(norm, ChannelNorm)
        places = decoded.flatten(2).transpose(1, 2).unflatten(1, decoded.shape[2:])
        halves = activation(norm.last(_drawn(places, first)))
        heatmaps = _spread(_spread(_drawn(halves, second).flatten(5)).unflatten(3, (2, 2, -1)))
        return heatmaps.permute(0, 3, 1, 2)


def _drawn(places: Tensor, deconvolution: nn.Module) -> Tensor:
    """Apply a deconvolution at each position, [..., C] to [..., 2 rows, 2 columns, C']."""
    assert isinstance(deconvolution, nn.ConvTranspose2d)
    assert deconvolution.bias is not None
    weight = deconvolution.weight.permute(2, 3, 1, 0)
    drawn = functional.linear(places, weight.flatten(0, 2), deconvolution.bias.repeat(4))
    return drawn.unflatten(-1, weight.shape[:3])


def _spread(drawn: Tensor) -> Tensor:
    """Arrange patches as a map, [B, height, width, 2, 2, C] to [B, 2 * height, 2 * width, C]."""
    return drawn.transpose(2, 3).flatten(3, 4).flatten(1, 2)
