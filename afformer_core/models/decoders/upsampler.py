# SPDX-License-Identifier: Apache-2.0
"""Deconvolutions from decoded features to heatmaps of four times their size."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.layers.channel_norm import ChannelNorm


class Upsampler(nn.Sequential):
    """Two deconvolutions with a norm and an activation between, each to twice the size.

    No two places that they draw from overlap, so each is a product with a matrix at every place.
    What is drawn from a place stays together until the heatmaps are done: channels come last all
    the way, and only the heatmaps, of which there are few, are moved.

    Args:
        channels: width C of the decoded features.
        heatmaps: heatmaps drawn.
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
        """Draw, [B, C, height, width] to [B, heatmaps, 4 * height, 4 * width]."""
        first, norm, activation, second = self
        assert isinstance(norm, ChannelNorm)
        places = decoded.flatten(2).transpose(1, 2).unflatten(1, decoded.shape[2:])
        halves = activation(norm.last(_drawn(places, first)))
        heatmaps = _spread(_spread(_drawn(halves, second).flatten(5)).unflatten(3, (2, 2, -1)))
        return heatmaps.permute(0, 3, 1, 2)


def _drawn(places: Tensor, deconvolution: nn.Module) -> Tensor:
    """What is drawn from each place, [..., C] to [..., 2 rows, 2 columns, C']."""
    assert isinstance(deconvolution, nn.ConvTranspose2d)
    assert deconvolution.bias is not None
    weight = deconvolution.weight.permute(2, 3, 1, 0)
    drawn = functional.linear(places, weight.flatten(0, 2), deconvolution.bias.repeat(4))
    return drawn.unflatten(-1, weight.shape[:3])


def _spread(drawn: Tensor) -> Tensor:
    """To where it stands, [B, height, width, 2, 2, C] to [B, 2 * height, 2 * width, C]."""
    return drawn.transpose(2, 3).flatten(3, 4).flatten(1, 2)
