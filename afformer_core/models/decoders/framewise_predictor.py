# SPDX-License-Identifier: Apache-2.0
"""Action scores from the video, frame by frame."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.decoders.predictor import FocusedPredictor
from afformer_core.models.layers.attention import Size, group_queries_by_video, ungroup_by_image
from afformer_core.models.layers.numerics import widened
from afformer_core.models.layers.softmax_attention import PADDING_SCORE

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
        mean = moved.sum(dim=2) / _existing_frames(moved, missing)
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


def _existing_frames(x: Tensor, missing: Tensor | None) -> Tensor | int:
    """Count the frames that exist: [B, 1], or one number for all."""
    return x.shape[2] if missing is None else (~missing).sum(dim=2).clamp(min=1)
