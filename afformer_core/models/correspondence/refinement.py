# SPDX-License-Identifier: Apache-2.0
"""The refinement of a heatmap by the backbone's finest stage."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.correspondence.matching import enlarged

_WIDTH = 48
_GROUPS = 8
# Each position of the finest stage gets so many logits along an axis.
_SCALE = 2
# Range of the correction, in nats, and width of the image in neighbourhoods.
_LIMIT = 6.0
_NEIGHBOURHOODS = 6
# Small, so that training begins with what the decoder finds.
_INITIAL_DEVIATION = 1e-3


class Refinement(nn.Module):
    """A correction of heatmap logits, finer than the decoder's levels.

    The decoder stops at stride 16, where a small button is a fraction of a position. What it found
    is enlarged to the stage of stride 8, whose features tell where the edges are. A correction
    moves probability within a neighbourhood alone: learnt from drawn images, the fine stage does
    not know which of two distant positions a real one means.

    Args:
        channels: width C of the decoded features.
        fine: channels of the stage of stride 8.
    """

    def __init__(self, channels: int, fine: int) -> None:
        super().__init__()
        self.decoded = nn.Conv2d(channels, _WIDTH, 1)
        self.fine = nn.Conv2d(fine, _WIDTH, 1)
        self.correlation = nn.Conv2d(1, _WIDTH, 1)
        self.convolutions = nn.Sequential(
            nn.GroupNorm(_GROUPS, _WIDTH), nn.GELU(), nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.GroupNorm(_GROUPS, _WIDTH), nn.GELU(), nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.GroupNorm(_GROUPS, _WIDTH), nn.GELU(),
        )  # fmt: skip
        self.logits = nn.Conv2d(_WIDTH, _SCALE**2, 1)
        nn.init.normal_(self.logits.weight, std=_INITIAL_DEVIATION)
        assert self.logits.bias is not None
        nn.init.zeros_(self.logits.bias)

    def forward(self, decoded: Tensor, fine: Tensor, correlation: Tensor) -> Tensor:
        """Correct heatmaps.

        Args:
            decoded: decoded features [B, C, h / 2, w / 2].
            fine: the stage of stride 8, [B, fine, h, w].
            correlation: [B, 1, h, w], of a range that suits a network.

        Returns:
            logits [B, 1, 2 * h, 2 * w], to be added to those of the heatmap; the mean of their
            exponentials around each position is 1.
        """
        joined = (
            enlarged(self.decoded(decoded), fine.shape[-2:])
            + self.fine(fine)
            + self.correlation(correlation)
        )
        logits: Tensor = self.logits(self.convolutions(joined))
        return _local(functional.pixel_shuffle(logits, _SCALE))


def _local(logits: Tensor) -> Tensor:
    """Subtract from logits [B, 1, h, w] the logarithm of their mean exponential around each."""
    limited = _LIMIT * (logits / _LIMIT).tanh()
    side = 2 * (logits.shape[-1] // _NEIGHBOURHOODS // 2) + 1
    around = functional.avg_pool2d(
        limited.exp(), side, stride=1, padding=side // 2, count_include_pad=False
    )
    return limited - around.log()
