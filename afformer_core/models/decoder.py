# SPDX-License-Identifier: Apache-2.0
"""The fine-grained decoder (paper, section 3.2): one shared block, coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.attention import CrossAttention3d, SelfAttention2d, Size
from afformer_core.models.channel_norm import NORM_EPSILON, ChannelNorm
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoder_interface import Decoder
from afformer_core.models.level_packing import unpack_levels
from afformer_core.models.memory import VideoMemory, key_padding, silence


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
        self.channels = channels
        self.norm_self_q = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.self_attn = SelfAttention2d(channels, heads, maximum_size)
        self.norm_cross_q = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.norm_cross_k = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.cross_attn = CrossAttention3d(channels, heads, maximum_size, maximum_frames)
        self.norm_mlp = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.mlp = Mlp(channels, 4 * channels)

    def forward(self, x: Tensor, size: Size, memory: VideoMemory, level: int) -> Tensor:
        """Refine one image level [B, N, C] by the memory's entry for that level."""
        x = x + self.self_attn(self.norm_self_q(x).unflatten(1, size)).flatten(1, 2)
        x = x + self.cross_attn(
            self.norm_cross_q(x),
            size,
            memory.keys[level],
            memory.values[level],
            memory.sizes[level],
            memory.paddings[level],
        )
        return x + self.mlp(self.norm_mlp(x))


class FineGrainedDecoder(Decoder):
    """Image pyramid against temporal pyramid, coarse image to all frames, fine image to few.

    Args:
        configuration: the architecture; image level l attends to about T / 2**l frames, or all
            of them to T where it has no temporal pyramid.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        channels, levels = configuration.channels, len(configuration.image_levels)
        self._growing_sizes = (
            configuration.level_sizes if configuration.video_resolution == 'growing' else ()
        )
        self.v3ds = nn.Sequential(
            *_temporal_layers(channels, levels if configuration.temporal_pyramid else 1)
        )
        self.input_projections = (
            nn.ModuleList(nn.Linear(channels, channels) for _ in range(levels))
            if configuration.input_projection
            else None
        )
        self.image_level_embeds = nn.ParameterList(
            nn.Parameter(torch.zeros(channels)) for _ in range(levels)
        )
        self.self2d_cross3d_block = DecoderBlock(
            channels, configuration.heads, configuration.finest_size, configuration.maximum_frames
        )

    @property
    def levels(self) -> int:
        """Number of image levels."""
        return len(self.image_level_embeds)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """See `Decoder.memorize`; keys and values of T, T/2, T/4 frames (rounded up)."""
        block = self.self2d_cross3d_block
        keys, values, paddings, sizes = [], [], [], []
        for features, existing in self._temporal_pyramid(video, lengths):
            normed = block.norm_cross_k(features.permute(0, 2, 3, 4, 1))
            level_keys, level_values = block.cross_attn.memorize(normed, existing)
            height, width = _size(features)
            keys.append(level_keys)
            values.append(level_values)
            paddings.append(key_padding(existing, features.shape[2], height * width))
            sizes.append((height, width))
        return VideoMemory(tuple(keys), tuple(values), tuple(paddings), tuple(sizes))

    def _temporal_pyramid(
        self, video: Tensor, lengths: Tensor | None
    ) -> list[tuple[Tensor, Tensor | None]]:
        """Levels as [B, C, T_level, height, width] with the lengths that hold for each."""
        if self._growing_sizes:
            videos = unpack_levels(video, self._growing_sizes, self.self2d_cross3d_block.channels)
            return [
                self._shortened(silence(each.transpose(1, 2), lengths), lengths, 0, level)
                for level, each in enumerate(videos)
            ]
        pyramid = [(silence(video.transpose(1, 2), lengths), lengths)]
        for level in range(1, self.levels):
            pyramid.append(self._shortened(*pyramid[-1], level - 1, level))
        return pyramid

    def _shortened(
        self, features: Tensor, lengths: Tensor | None, first: int, last: int
    ) -> tuple[Tensor, Tensor | None]:
        """From the first to the last level of the temporal pyramid."""
        # A norm and an activation stand between two convolutions.
        for layer in list(self.v3ds)[max(0, 3 * first - 2) : max(0, 3 * last - 2)]:
            features = layer(features)
            if isinstance(layer, nn.Conv3d):
                lengths = None if lengths is None else (lengths + 1) // 2
            features = silence(features, lengths)
        return features, lengths

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """See `Decoder.forward`."""
        decoded: Tensor | None = None
        for level, features in enumerate(levels):
            size = _size(features)
            if decoded is not None:
                features = features + functional.interpolate(decoded, size=size, mode='nearest')
            tokens = self._project(features.flatten(2).transpose(1, 2), level)
            tokens = self.self2d_cross3d_block(tokens, size, memory, level)
            decoded = tokens.transpose(1, 2).unflatten(2, size)
        if decoded is None:
            raise ValueError('no image level was given; the decoder needs at least one')
        return decoded

    def _project(self, tokens: Tensor, level: int) -> Tensor:
        if self.input_projections is not None:
            tokens = self.input_projections[level](tokens)
        return tokens + self.image_level_embeds[level]

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """See `Decoder.freeze_tables`; here the relative vectors of the grids."""
        for image_size, video_size in zip(image_sizes, video_sizes, strict=True):
            self.self2d_cross3d_block.self_attn.freeze_tables(image_size, image_size)
            self.self2d_cross3d_block.cross_attn.freeze_tables(image_size, video_size)


def _temporal_layers(channels: int, levels: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for level in range(1, levels):
        if level > 1:
            layers += [ChannelNorm(channels, trailing=3), nn.GELU()]
        layers.append(nn.Conv3d(channels, channels, (3, 1, 1), (2, 1, 1), (1, 0, 0), bias=False))
    return layers


def _size(features: Tensor) -> Size:
    return int(features.shape[-2]), int(features.shape[-1])
