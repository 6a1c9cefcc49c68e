# SPDX-License-Identifier: Apache-2.0
"""The heads: heatmaps at the input's full size, and action scores."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.layers.numerics import ChannelNorm


class Upsampler(nn.Sequential):
    """Two deconvolutions that each double the size, with a norm and an activation in between.

    Their kernels do not overlap, so each is a matrix product at every position. Channels stay last
    until the end, so that only the few heatmaps are rearranged.

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
        positions = decoded.flatten(2).transpose(1, 2).unflatten(1, decoded.shape[2:])
        halves = activation(norm.last(_drawn(positions, first)))
        heatmaps = _spread(_spread(_drawn(halves, second).flatten(5)).unflatten(3, (2, 2, -1)))
        return heatmaps.permute(0, 3, 1, 2)


def _drawn(positions: Tensor, deconvolution: nn.Module) -> Tensor:
    """Apply a deconvolution at each position, [..., C] to [..., 2 rows, 2 columns, C']."""
    assert isinstance(deconvolution, nn.ConvTranspose2d)
    assert deconvolution.bias is not None
    weight = deconvolution.weight.permute(2, 3, 1, 0)
    drawn = functional.linear(positions, weight.flatten(0, 2), deconvolution.bias.repeat(4))
    return drawn.unflatten(-1, weight.shape[:3])


def _spread(drawn: Tensor) -> Tensor:
    """Arrange patches as a map, [B, height, width, 2, 2, C] to [B, 2 * height, 2 * width, C]."""
    return drawn.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def _resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(maps, size=size, mode='bilinear', align_corners=False)


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
            size: (height, width) of the input; if the decoder stops above stride 4, the heatmap is
                upsampled bilinearly.
            memory: memory with which the features were decoded.

        Returns:
            heatmap logits [B, heatmaps, *size] and action logits [B, actions].
        """
        heatmaps = self.upsampler(decoded)
        if tuple(heatmaps.shape[-2:]) != size:
            heatmaps = _resized(heatmaps, size)
        return heatmaps, self._actions(decoded, heatmaps, memory)

    def _actions(self, decoded: Tensor, heatmaps: Tensor, memory: VideoMemory) -> Tensor:
        scores: Tensor = self.actioner(decoded)
        return scores


class ActionlessPredictor(Predictor):
    """Heads for heatmaps only, like `Predictor` without actions (paper, section 4.3).

    Args:
        channels: width C of the decoded features.
        heatmaps: number of heatmaps.
    """

    def __init__(self, channels: int, heatmaps: int) -> None:
        super().__init__(channels, heatmaps, actions=1)
        # A model file must not contain untrained weights.
        self.actioner = nn.Identity()

    def _actions(self, decoded: Tensor, heatmaps: Tensor, memory: VideoMemory) -> Tensor:
        return decoded.new_zeros((decoded.shape[0], 0))


class FocusedPredictor(Predictor):
    """Heads that score actions from the positions at the single heatmap.

    The difference between a push and a pull is visible at a few positions, whose share of a mean
    over the image is negligible. The weights have the names and shapes of `Predictor`. The heatmap
    receives no gradient from the actions.
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
