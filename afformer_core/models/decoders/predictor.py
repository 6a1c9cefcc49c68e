# SPDX-License-Identifier: Apache-2.0
"""The heads: heatmaps at the input's full size, and action scores."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.layers.attention import (
    PADDING_SCORE,
    Size,
    group_queries_by_video,
    ungroup_by_image,
)
from afformer_core.models.layers.numerics import ChannelNorm, widened


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
            heatmaps = functional.interpolate(heatmaps, size, mode='bilinear')
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


# Queries of each head in each frame, enough for the hand and the held object.
_QUERIES = 2


class FramewiseActioner(nn.Module):
    """A classifier of actions that follows the grounded element through the frames.

    Push and pull differ only in the order of the frames. The image features at the heatmap query
    the content and the position of the element in each frame separately, by attention over the
    frame's positions. Convolutions over time compute the action from the sequence of answers.

    Args:
        channels: width C of the decoded features.
        heads: number of heads of the memory; a divisor of the channels.
        actions: number of actions scored.
    """

    def __init__(self, channels: int, heads: int, actions: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, _QUERIES * channels)
        self.frame = nn.Linear(_QUERIES * (channels + 2 * heads), channels)
        self.motion = nn.Sequential(
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.GELU(),
        )
        self.score = nn.Linear(2 * channels, actions)

    def forward(self, focus: Tensor, memory: VideoMemory) -> Tensor:
        """Score actions.

        Args:
            focus: [B * K, C], the decoded features at the heatmap; those of a demonstration's K
                images are consecutive.
            memory: memory of B demonstrations; its first level has all frames.

        Returns:
            action logits [B * K, actions].
        """
        frames = functional.gelu(self.frame(self._attend(focus, memory)))
        missing = _missing_frames(memory, len(focus))
        moved = _without(frames.transpose(1, 2), missing, 0.0)
        for layer in self.motion:
            moved = _without(layer(moved), missing, 0.0)
        highest = _without(moved, missing, PADDING_SCORE).amax(dim=2)
        existing = moved.shape[2] if missing is None else (~missing).sum(dim=2).clamp(min=1)
        mean = moved.sum(dim=2) / existing
        return self.score(torch.cat((mean, highest), dim=1))

    def _attend(self, focus: Tensor, memory: VideoMemory) -> Tensor:
        """Query each frame for content and position: [B * K, T, looks * (C + 2 * heads)]."""
        values = widened(memory.values[0])
        depth = values.shape[3]
        keys = widened(memory.keys[0])[..., :depth]
        height, width = memory.sizes[0]
        asked = self.query(self.norm(focus)).unflatten(1, (self.heads, _QUERIES, depth))
        scores = group_queries_by_video(asked / math.sqrt(depth), len(keys)) @ keys.transpose(2, 3)
        weights = scores.unflatten(3, (-1, height * width)).softmax(dim=4).transpose(2, 3)
        seen = weights @ values.unflatten(2, (-1, height * width))
        position = weights @ _grid((height, width), weights)
        found = torch.cat((seen, position), dim=4).transpose(2, 3)
        return ungroup_by_image(found, len(focus)).permute(0, 3, 1, 2, 4).flatten(2)


class FramewisePredictor(FocusedPredictor):
    """Heads for heatmaps, like `Predictor`, and for actions from the video.

    Args:
        channels: width C of the decoded features.
        heatmaps: number of heatmaps; 1.
        actions: number of actions scored.
        heads: number of heads of the memory.
    """

    def __init__(self, channels: int, heatmaps: int, actions: int, heads: int) -> None:
        super().__init__(channels, heatmaps, actions)
        self.actioner = FramewiseActioner(channels, heads, actions)

    def _actions(self, decoded: Tensor, heatmaps: Tensor, memory: VideoMemory) -> Tensor:
        focus = self._focus(decoded, heatmaps)
        return self.actioner((decoded * focus).sum(dim=(2, 3)), memory)


def _grid(size: Size, like: Tensor) -> Tensor:
    """Compute (x, y) from -1 to 1 of each position of a frame, [height * width, 2]."""
    rows, columns = (
        torch.linspace(-1, 1, count, device=like.device, dtype=like.dtype) for count in size
    )
    positions = torch.meshgrid(rows, columns, indexing='ij')
    return torch.stack((positions[1].flatten(), positions[0].flatten()), dim=1)


def _missing_frames(memory: VideoMemory, images: int) -> Tensor | None:
    """Compute a mask [B * K, 1, T], true at frames that do not exist, or None."""
    padding = memory.paddings[0]
    if padding is None:
        return None
    height, width = memory.sizes[0]
    missing = padding.unflatten(1, (-1, height * width))[:, None, :, 0]
    return missing.repeat_interleave(images // len(missing), dim=0)


def _without(x: Tensor, missing: Tensor | None, value: float) -> Tensor:
    return x if missing is None else x.masked_fill(missing, value)
