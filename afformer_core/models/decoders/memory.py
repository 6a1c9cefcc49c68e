# SPDX-License-Identifier: Apache-2.0
"""Memories of demonstrations, their padding, and the interface of decoders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from afformer_core.models.layers.attention import Size


@dataclass(frozen=True)
class VideoMemory:
    """Keys and values of videos, one entry for each step of the decoder.

    Attributes:
        keys: each [B, heads, M_level, D'], contiguous, for fused attention.
        values: each [B, heads, M_level, D].
        paddings: each [B, M_level], true at keys of frames that do not exist; or None.
        sizes: (height, width) of the grid in a frame at each step.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    paddings: tuple[Tensor | None, ...]
    sizes: tuple[Size, ...]

    @classmethod
    def of_tensors(
        cls, keys: Sequence[Tensor], values: Sequence[Tensor], sizes: Sequence[Size]
    ) -> VideoMemory:
        """Build a memory without padding (see the attributes)."""
        return cls(tuple(keys), tuple(values), (None,) * len(sizes), tuple(sizes))


def key_padding(lengths: Tensor | None, frames: int, positions: int) -> Tensor | None:
    """Compute a mask of the keys of frames that do not exist.

    Args:
        lengths: [B] integers, number of frames of each video, or None when all exist.
        frames: number of frames of each video with its padding.
        positions: number of keys of a frame.

    Returns:
        [B, frames * positions], true at keys that do not exist, or None.
    """
    missing = missing_frames(lengths, frames)
    return None if missing is None else missing.repeat_interleave(positions, dim=1)


def missing_frames(lengths: Tensor | None, frames: int) -> Tensor | None:
    """Compute a mask [B, frames], true at frames that do not exist, or None when all exist."""
    if lengths is None:
        return None
    return torch.arange(frames, device=lengths.device) >= lengths[:, None]


def zero_padding_frames(features: Tensor, lengths: Tensor | None) -> Tensor:
    """Set frames beyond each video's length to zero, like the padding of a convolution.

    Args:
        features: [B, C, T, height, width].
        lengths: [B] integers, or None when all frames exist.
    """
    missing = missing_frames(lengths, features.shape[2])
    if missing is None:
        return features
    return torch.where(missing[:, None, :, None, None], 0.0, features)


class Decoder(nn.Module, ABC):
    """A decoder of image levels that attends to memorized videos."""

    @abstractmethod
    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Compute everything that later images need from videos.

        Args:
            video: features [B, T, C, height, width]; finite also beyond a video's length.
            lengths: [B] integers 1 to T, or None when every frame exists.
        """

    @abstractmethod
    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode image levels against a memory.

        Args:
            levels: image features, coarse to fine, each [B * K, C, height, width]; the K images of
                a video are consecutive.
            memory: memory from `memorize`, of B videos.

        Returns:
            [B * K, C, height, width] at the finest level.
        """

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Compute once what depends only on the sizes of the grids, for inference and export.

        Most decoders have no such tables.
        """
