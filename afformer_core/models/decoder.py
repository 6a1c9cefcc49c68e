# SPDX-License-Identifier: Apache-2.0
"""The fine-grained decoder (paper, section 3.2): one shared block, coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.attention import CrossAttention3d, SelfAttention2d, Size

NORM_EPSILON = 1e-6


@dataclass(frozen=True)
class VideoMemory:
    """Videos as the decoder needs them, one entry for each image level.

    Attributes:
        keys: each [B, heads, D', M_level].
        values: each [B, heads, M_level, D].
        paddings: each [B, M_level], true at keys of frames that do not exist; or None.
        size: (height, width) of the video features.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    paddings: tuple[Tensor | None, ...]
    size: Size

    def __post_init__(self) -> None:
        if not len(self.keys) == len(self.values) == len(self.paddings):
            raise ValueError(
                f'a memory has {len(self.keys)} keys, {len(self.values)} values and '
                f'{len(self.paddings)} paddings; it needs as many of each'
            )


class ChannelNorm(nn.Module):
    """Layer normalisation over dimension 1, with weights shaped for broadcasting."""

    def __init__(self, channels: int, trailing: int = 0) -> None:
        super().__init__()
        shape = (channels,) + (1,) * trailing
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C, ...] over C."""
        weight, bias = self.weight.flatten(), self.bias.flatten()
        last = x.transpose(1, -1)
        return functional.layer_norm(last, weight.shape, weight, bias, NORM_EPSILON).transpose(
            1, -1
        )


class Mlp(nn.Module):
    """Two linear layers with GELU between."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """[..., C] to [..., C]."""
        return self.fc2(functional.gelu(self.fc1(x)))


class DecoderBlock(nn.Module):
    """Self-attention on the image, cross-attention to the video, MLP; pre-normalised."""

    def __init__(self, channels: int, heads: int, maximum_size: Size, maximum_frames: int) -> None:
        super().__init__()
        self.norm_self_q = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.self_attn = SelfAttention2d(channels, heads, maximum_size)
        self.norm_cross_q = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.norm_cross_k = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.cross_attn = CrossAttention3d(channels, heads, maximum_size, maximum_frames)
        self.norm_mlp = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.mlp = Mlp(channels, 4 * channels)

    def forward(self, x: Tensor, size: Size, memory: VideoMemory, level: int) -> Tensor:
        """Refine one image level [B, N, C] by the memory's entry for that level."""
        x = x + self.self_attn(self.norm_self_q(x), size)
        x = x + self.cross_attn(
            self.norm_cross_q(x),
            size,
            memory.keys[level],
            memory.values[level],
            memory.size,
            memory.paddings[level],
        )
        return x + self.mlp(self.norm_mlp(x))


class FineGrainedDecoder(nn.Module):
    """Image pyramid against temporal pyramid, coarse image to all frames, fine image to few.

    Args:
        channels: width C.
        heads: attention heads.
        levels: image levels visited, 1 to 3; level l attends to about T / 2**l frames.
        maximum_size: (height, width) of the finest grid of image or video.
        maximum_frames: T at most.
    """

    def __init__(
        self, channels: int, heads: int, levels: int, maximum_size: Size, maximum_frames: int
    ) -> None:
        super().__init__()
        self.v3ds = nn.Sequential(*_temporal_layers(channels, levels))
        self.image_level_embeds = nn.ParameterList(
            nn.Parameter(torch.zeros(channels)) for _ in range(levels)
        )
        self.self2d_cross3d_block = DecoderBlock(channels, heads, maximum_size, maximum_frames)

    @property
    def levels(self) -> int:
        """Number of image levels."""
        return len(self.image_level_embeds)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Keys and values of the temporal pyramid T, T/2, T/4 (rounded up).

        Args:
            video: p3 features [B, T, C, height, width]; anything finite beyond a video's length.
            lengths: [B] integers 1 to T, or None when every frame exists.
        """
        block = self.self2d_cross3d_block
        keys, values, paddings = [], [], []
        for features, existing in self._temporal_pyramid(video, lengths):
            normed = block.norm_cross_k(features.permute(0, 2, 3, 4, 1))
            level_keys, level_values = block.cross_attn.memorize(normed, existing)
            keys.append(level_keys)
            values.append(level_values)
            paddings.append(_key_padding(features, existing))
        return VideoMemory(tuple(keys), tuple(values), tuple(paddings), _size(video))

    def _temporal_pyramid(
        self, video: Tensor, lengths: Tensor | None
    ) -> list[tuple[Tensor, Tensor | None]]:
        """Levels as [B, C, T_level, height, width] with the lengths that hold for each."""
        features = _silence(video.transpose(1, 2), lengths)
        pyramid = [(features, lengths)]
        for layer in self.v3ds:
            features = layer(features)
            if isinstance(layer, nn.Conv3d):
                lengths = None if lengths is None else (lengths + 1) // 2
                pyramid.append((features, lengths))
            features = _silence(features, lengths)
        return pyramid

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode.

        Args:
            levels: image features, coarse to fine, each [B, C, height, width].
            memory: from `memorize`, of the same batch.

        Returns:
            [B, C, height, width] at the finest level.
        """
        decoded: Tensor | None = None
        for level, features in enumerate(levels):
            size = _size(features)
            if decoded is not None:
                features = features + functional.interpolate(decoded, size=size, mode='nearest')
            tokens = features.flatten(2).transpose(1, 2) + self.image_level_embeds[level]
            tokens = self.self2d_cross3d_block(tokens, size, memory, level)
            decoded = tokens.transpose(1, 2).unflatten(2, size)
        if decoded is None:
            raise ValueError('no image level was given; the decoder needs at least one')
        return decoded

    def freeze_tables(self, image_sizes: Sequence[Size], video_size: Size) -> None:
        """Keep the relative vectors of these grids, for inference and export."""
        for size in image_sizes:
            self.self2d_cross3d_block.self_attn.freeze_tables(size, size)
            self.self2d_cross3d_block.cross_attn.freeze_tables(size, video_size)


def _temporal_layers(channels: int, levels: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for level in range(1, levels):
        if level > 1:
            layers += [ChannelNorm(channels, trailing=3), nn.GELU()]
        layers.append(nn.Conv3d(channels, channels, (3, 1, 1), (2, 1, 1), (1, 0, 0), bias=False))
    return layers


def _silence(features: Tensor, lengths: Tensor | None) -> Tensor:
    """Zero what stands beyond each length, as a convolution's own padding would be."""
    if lengths is None:
        return features
    exists = torch.arange(features.shape[2], device=features.device) < lengths[:, None]
    return torch.where(exists[:, None, :, None, None], features, 0.0)


def _key_padding(features: Tensor, lengths: Tensor | None) -> Tensor | None:
    if lengths is None:
        return None
    frames = torch.arange(features.shape[2], device=features.device)
    padded = frames >= lengths[:, None]
    return padded.repeat_interleave(features.shape[3] * features.shape[4], dim=1)


def _size(features: Tensor) -> Size:
    return int(features.shape[-2]), int(features.shape[-1])
