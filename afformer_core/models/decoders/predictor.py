# SPDX-License-Identifier: Apache-2.0
"""The heads: heatmaps at the input's full size, and action scores."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.decoders.upsampler import Upsampler
from afformer_core.models.layers.channel_norm import ChannelNorm


class Predictor(nn.Module):
    """Heads of deconvolutions to the input's size and a pooled action classifier.

    Args:
        channels: width C of the decoded features.
        heatmaps: number of heatmaps.
        actions: number of actions scored.
    """

    def __init__(self, channels: int, heatmaps: int, actions: int) -> None:
        super().__init__()
        half = channels // 2
        self.upsampler: nn.Sequential = Upsampler(channels, heatmaps)
        self.actioner: nn.Module = nn.Sequential(
            nn.Conv2d(channels, half, kernel_size=1, bias=False),
            ChannelNorm(half),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(1),
            nn.Linear(half, actions),
        )

    def forward(
        self, decoded: Tensor, size: tuple[int, int], memory: VideoMemory
    ) -> tuple[Tensor, Tensor]:
        """Predict heatmaps and action scores.

        Args:
            decoded: decoded features [B, C, height, width].
            size: (height, width) of the input; where the decoder stops above stride 4, the heatmap
                is upsampled bilinearly.
            memory: memory that the features were decoded with.

        Returns:
            heatmap logits [B, heatmaps, *size] and action logits [B, actions].
        """
        heatmaps = self.upsampler(decoded)
        if tuple(heatmaps.shape[-2:]) != size:
            heatmaps = functional.interpolate(
                heatmaps, size=size, mode='bilinear', align_corners=False
            )
        return heatmaps, self._actions(decoded, heatmaps, memory)

    def _actions(self, decoded: Tensor, heatmaps: Tensor, memory: VideoMemory) -> Tensor:
        scores: Tensor = self.actioner(decoded)
        return scores


class ActionlessPredictor(Predictor):
    """Heads that draw heatmaps as `Predictor` does, and score no actions (paper, section 4.3).

    Args:
        channels: width C of the decoded features.
        heatmaps: number of heatmaps.
    """

    def __init__(self, channels: int, heatmaps: int) -> None:
        super().__init__(channels, heatmaps, actions=1)
        self.actioner = nn.Identity()

    def _actions(self, decoded: Tensor, heatmaps: Tensor, memory: VideoMemory) -> Tensor:
        return decoded.new_zeros((decoded.shape[0], 0))


class FocusedPredictor(Predictor):
    """Heads that score actions from the positions the single heatmap points at.

    What tells a push from a pull is visible at a few positions, whose share of a mean over the
    image is negligible. The weights have the names and shapes of `Predictor`. The heatmap gets no
    gradient from the actions.
    """

    def _actions(self, decoded: Tensor, heatmaps: Tensor, memory: VideoMemory) -> Tensor:
        assert isinstance(self.actioner, nn.Sequential)
        projected = self.actioner[:3](decoded)
        focus = self._focus(decoded, heatmaps)
        scores: Tensor = self.actioner[5]((projected * focus).sum(dim=(2, 3)))
        return scores

    @staticmethod
    def _focus(decoded: Tensor, heatmaps: Tensor) -> Tensor:
        """Compute the single heatmap's probabilities, of sum 1, on the grid of the features."""
        stride = heatmaps.shape[-1] // decoded.shape[-1]
        focus = heatmaps.detach().flatten(1).softmax(dim=1).view_as(heatmaps)
        return functional.avg_pool2d(focus, stride) * stride**2
