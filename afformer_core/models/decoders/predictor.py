# SPDX-License-Identifier: Apache-2.0
"""The heads: heatmaps at the input's full size, and action scores."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.decoders.upsampler import Upsampler
from afformer_core.models.layers.channel_norm import ChannelNorm


class Predictor(nn.Module):
    """Deconvolutions to the input's size and a pooled action classifier.

    Args:
        channels: width C of the decoded features.
        heatmaps: heatmaps drawn.
        actions: actions scored.
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
        """Predict.

        Args:
            decoded: [B, C, height, width].
            size: the input's (height, width); where the decoder stops above stride 4, the
                heatmap is enlarged bilinearly.
            memory: that it was decoded with.

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
    """Draws heatmaps as `Predictor`, and scores no actions (paper, section 4.3).

    Args:
        channels: width C of the decoded features.
        heatmaps: heatmaps drawn.
    """

    def __init__(self, channels: int, heatmaps: int) -> None:
        super().__init__(channels, heatmaps, actions=1)
        # Without weights, so that a model file has none that nothing was learnt in.
        self.actioner = nn.Identity()

    def _actions(self, decoded: Tensor, heatmaps: Tensor, memory: VideoMemory) -> Tensor:
        return decoded.new_zeros((decoded.shape[0], 0))


class FocusedPredictor(Predictor):
    """Scores actions by what stands where the single heatmap points, not by the whole image.

    What tells a push from a pull stands in a few places; their share of a mean over the image
    is lost. The weights are those of `Predictor`. The heatmap learns nothing from the actions.
    """

    def _actions(self, decoded: Tensor, heatmaps: Tensor, memory: VideoMemory) -> Tensor:
        assert isinstance(self.actioner, nn.Sequential)
        projected = self.actioner[:3](decoded)
        focus = self._focus(decoded, heatmaps)
        scores: Tensor = self.actioner[5]((projected * focus).sum(dim=(2, 3)))
        return scores

    @staticmethod
    def _focus(decoded: Tensor, heatmaps: Tensor) -> Tensor:
        """The single heatmap's probabilities on the grid of the decoded features, sum 1."""
        stride = heatmaps.shape[-1] // decoded.shape[-1]
        focus = heatmaps.detach().flatten(1).softmax(dim=1).view_as(heatmaps)
        return functional.avg_pool2d(focus, stride) * stride**2
