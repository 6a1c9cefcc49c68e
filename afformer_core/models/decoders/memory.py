# SPDX-License-Identifier: Apache-2.0
"""Memories of demonstrations, their padding, and the interface of the decoders that read them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from afformer_core.models.layers.attention import Size


@dataclass(frozen=True)
class VideoMemory:
    """Videos as the decoder needs them, one entry for each image level.

    Attributes:
        keys: each [B, heads, M_level, D'], contiguous, as fused attention needs them.
        values: each [B, heads, M_level, D].
        paddings: each [B, M_level], true at keys of frames that do not exist; or None.
        sizes: (height, width) of the places in a frame at each level.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    paddings: tuple[Tensor | None, ...]
    sizes: tuple[Size, ...]

    def __post_init__(self) -> None:
        if not len(self.keys) == len(self.values) == len(self.paddings) == len(self.sizes):
            raise ValueError(
                f'a memory has {len(self.keys)} keys, {len(self.values)} values, '
                f'{len(self.paddings)} paddings and {len(self.sizes)} sizes; it needs as many of '
                'each'
            )


def key_padding(lengths: Tensor | None, frames: int, places: int) -> Tensor | None:
    """Which keys belong to frames that do not exist.

    Args:
        lengths: [B] integers, frames of each video, or None when all exist.
        frames: of each video with its padding.
        places: keys of a frame.

    Returns:
        [B, frames * places], true at keys that do not exist, or None.
    """
    if lengths is None:
        return None
    return _beyond(lengths, frames).repeat_interleave(places, dim=1)


def silence(features: Tensor, lengths: Tensor | None) -> Tensor:
    """Zero what stands beyond each length, as a convolution's own padding would be.

    Args:
        features: [B, C, T, height, width].
        lengths: [B] integers, or None when all frames exist.
    """
    if lengths is None:
        return features
    beyond = _beyond(lengths, features.shape[2])
    return torch.where(beyond[:, None, :, None, None], 0.0, features)


def _beyond(lengths: Tensor, frames: int) -> Tensor:
    """[B, frames], true at frames that do not exist."""
    return torch.arange(frames, device=lengths.device) >= lengths[:, None]


class Decoder(nn.Module, ABC):
    """Decodes image levels against memorized videos."""

    @abstractmethod
    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """All that later images need of videos.

        Args:
            video: features [B, T, C, height, width]; anything finite beyond a video's length.
            lengths: [B] integers 1 to T, or None when every frame exists.
        """

    @abstractmethod
    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode.

        Args:
            levels: image features, coarse to fine, each [B * K, C, height, width]; the K images
                of a video stand together.
            memory: from `memorize`, of B videos.

        Returns:
            [B * K, C, height, width] at the finest level.
        """

    @abstractmethod
    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Keep what depends on the sizes of the grids alone, for inference and export."""
