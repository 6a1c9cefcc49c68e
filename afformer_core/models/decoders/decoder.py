# SPDX-License-Identifier: Apache-2.0
"""The fine-grained decoder (paper, section 3.2): one image level per step, from coarse to fine.

The released ViTDet model has a decoder of cross-attention from a single level.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.backbones.encoder import unpack_levels
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.memory import (
    Decoder,
    VideoMemory,
    key_padding,
    zero_padding_frames,
)
from afformer_core.models.layers.attention import CrossAttention3d, SelfAttention2d, Size
from afformer_core.models.layers.numerics import NORM_EPSILON, ChannelNorm


class TemporalPyramid(nn.Sequential):
    """Convolutions over time that each halve the frames, with norms and GELUs in between.

    A kernel spans three frames and one position, as in the released model. The paper calls it
    spatial-temporal with "a kernel size of 3", and may also mean three by three positions.

    Args:
        channels: width C of the features.
        longest_stride: stride of the coarsest level; a power of two.
    """

    def __init__(self, channels: int, longest_stride: int) -> None:
        layers: list[nn.Module] = []
        for level in range(longest_stride.bit_length() - 1):
            if level > 0:
                layers += [ChannelNorm(channels, trailing=3), nn.GELU()]
            layers.append(
                nn.Conv3d(channels, channels, (3, 1, 1), (2, 1, 1), (1, 0, 0), bias=False)
            )
        super().__init__(*layers)

    def levels(
        self, video: Tensor, lengths: Tensor | None, longest_stride: int
    ) -> dict[int, tuple[Tensor, Tensor | None]]:
        """Shorten videos to half, a quarter and so on of their frames.

        Args:
            video: [B, C, T, height, width]; finite also beyond a video's length.
            lengths: [B] integers 1 to T, or None when every frame exists.
            longest_stride: stride to stop at.

        Returns:
            by stride 1, 2, 4 and so on, the video [B, C, T / stride (rounded up), height, width]
            and its lengths; zero beyond these.
        """
        stride, video = 1, zero_padding_frames(video, lengths)
        levels = {stride: (video, lengths)}
        for layer in self:
            if stride == longest_stride:
                break
            video = layer(video)
            if isinstance(layer, nn.Conv3d):
                stride, lengths = 2 * stride, None if lengths is None else (lengths + 1) // 2
            video = zero_padding_frames(video, lengths)
            if isinstance(layer, nn.Conv3d):
                levels[stride] = video, lengths
        return levels


class Mlp(nn.Module):
    """Two linear layers with a GELU between."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., C] to [..., C]."""
        return self.fc2(functional.gelu(self.fc1(x)))


class DecoderBlock(nn.Module):
    """Pre-normalised self-attention on the image, cross-attention to the video, and an MLP."""

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

    def forward(
        self,
        x: Tensor,
        size: Size,
        memory: VideoMemory,
        step: int,
        guide: Tensor | None = None,
        stride: int = 1,
    ) -> Tensor:
        """Refine an image level (equations 8 to 10).

        Args:
            x: [B * K, N, C] with N = size[0] * size[1].
            size: (height, width) of the image level.
            memory: memory of B videos.
            step: index of the memory's entry.
            guide: [B * K, N, C], added to the queries of the self-attention, or None.
            stride: side, in positions, of the square whose mean is one key.

        Returns:
            [B * K, N, C].
        """
        normed = self.norm_self_q(x).unflatten(1, size)
        x = x + self.self_attn(normed, guide).flatten(1, 2)
        x = x + self.cross_attn(
            self.norm_cross_q(x),
            size,
            memory.keys[step],
            memory.values[step],
            memory.sizes[step],
            memory.paddings[step],
            stride,
        )
        return x + self.mlp(self.norm_mlp(x))


def means_of_squares(x: Tensor, stride: int) -> Tensor:
    """Average features over squares of positions.

    Args:
        x: [B, T, height, width, C].
        stride: side of a square in positions, a divisor of height and width.

    Returns:
        [B, T, height / stride, width / stride, C].
    """
    if stride == 1:
        return x
    rows = x.unflatten(2, (-1, stride)).mean(dim=3)
    return rows.unflatten(3, (-1, stride)).mean(dim=4)


class FineGrainedDecoder(Decoder):
    """A decoder with a step for each image level, which attends to one video level and stride.

    Each step adds its own learnt vector to its image level, as in the released model; the paper
    does not mention such a vector.

    Args:
        configuration: the architecture.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        self._steps = configuration.steps
        self._residual = configuration.residual
        self._frame_levels = configuration.frame_levels
        self._frame_scales = configuration.frame_scales
        self.v3ds = TemporalPyramid(configuration.channels, configuration.temporal_strides[-1])
        self.image_level_embeds = nn.ParameterList(
            nn.Parameter(torch.zeros(configuration.channels)) for _ in self._steps
        )
        # Name of the only block in the released model.
        self.self2d_cross3d_block = _block(configuration)
        per_step = configuration.decoder_blocks == 'per_step'
        self.further_blocks = nn.ModuleList(
            _block(configuration) for _ in (self._steps[1:] if per_step else ())
        )

    @property
    def blocks(self) -> tuple[DecoderBlock, ...]:
        """The block of each step."""
        first = self.self2d_cross3d_block
        further = [block for block in self.further_blocks if isinstance(block, DecoderBlock)]
        return (first, *further) if further else (first,) * len(self._steps)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Compute keys and values of the T / stride frames of each step, rounded up.

        See `Decoder.memorize`.
        """
        videos = self._videos(video, lengths)
        keys, values, paddings, sizes = [], [], [], []
        for step, block in zip(self._steps, self.blocks, strict=True):
            features, existing = videos[step.video_level][step.temporal_stride]
            normed = block.norm_cross_k(features.permute(0, 2, 3, 4, 1))
            pooled = means_of_squares(normed, step.spatial_stride)
            step_keys, step_values = block.cross_attn.memorize(pooled, existing)
            height, width = int(pooled.shape[2]), int(pooled.shape[3])
            keys.append(step_keys)
            values.append(step_values)
            paddings.append(key_padding(existing, features.shape[2], height * width))
            sizes.append((height, width))
        return VideoMemory(tuple(keys), tuple(values), tuple(paddings), tuple(sizes))

    def _videos(
        self, video: Tensor, lengths: Tensor | None
    ) -> dict[str, dict[int, tuple[Tensor, Tensor | None]]]:
        """Shorten videos: by level and stride, [B, C, T_stride, height, width] and the lengths."""
        channels = self.self2d_cross3d_block.channels
        scales = self._frame_scales
        levels = unpack_levels(video, scales, [channels] * len(scales))
        videos = {}
        for name, level in zip(self._frame_levels, levels, strict=True):
            longest = max(s.temporal_stride for s in self._steps if s.video_level == name)
            videos[name] = self.v3ds.levels(level.transpose(1, 2), lengths, longest)
        return videos

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode image levels against a memory, coarse to fine (see `Decoder.forward`)."""
        decoded: Tensor | None = None
        for step, (features, block) in enumerate(zip(levels, self.blocks, strict=True)):
            size, guide = _size(features), None
            if decoded is not None:
                upsampled = functional.interpolate(decoded, size=size, mode='nearest')
                if self._residual == 'image':
                    guide = _tokens(upsampled)
                else:
                    features = features + upsampled
            tokens = _tokens(features) + self.image_level_embeds[step]
            stride = self._steps[step].spatial_stride
            tokens = block(tokens, size, memory, step, guide, stride)
            decoded = tokens.transpose(1, 2).unflatten(2, size)
        if decoded is None:
            raise ValueError('the number of image levels is 0; expected at least 1')
        return decoded

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Precompute the relative positions of all grids (see `Decoder.freeze_tables`)."""
        for step, block, image, video in zip(
            self._steps, self.blocks, image_sizes, video_sizes, strict=True
        ):
            block.self_attn.freeze_tables(image, image)
            block.cross_attn.freeze_tables(image, video, step.spatial_stride)


class CrossAttentionBlock(nn.Module):
    """Pre-normalised cross-attention to the video, then an MLP."""

    def __init__(self, channels: int, heads: int, maximum_size: Size, maximum_frames: int) -> None:
        super().__init__()
        self.norm_q = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.norm_k = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.attn = CrossAttention3d(channels, heads, maximum_size, maximum_frames)
        self.norm2 = nn.LayerNorm(channels, eps=NORM_EPSILON)
        self.mlp = Mlp(channels, 4 * channels)

    def forward(self, x: Tensor, size: Size, memory: VideoMemory) -> Tensor:
        """Refine an image level [B, N, C] with a memory of one level."""
        (keys,), (values,), (padding,) = memory.keys, memory.values, memory.paddings
        x = x + self.attn(self.norm_q(x), size, keys, values, memory.sizes[0], padding)
        return x + self.mlp(self.norm2(x))


class CrossAttentionDecoder(Decoder):
    """A single block, in which the positions of one image level attend to all frames.

    The released ViTDet model has it.

    Args:
        configuration: the architecture, with one image level.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        (level,), (video,) = configuration.level_sizes, configuration.memory_sizes
        self.cross_block_3d = CrossAttentionBlock(
            configuration.channels,
            configuration.heads,
            (max(level[0], video[0]), max(level[1], video[1])),
            configuration.maximum_frames,
        )

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Compute keys and values of videos (see `Decoder.memorize`)."""
        block = self.cross_block_3d
        frames, _, height, width = video.shape[1:]
        normed = block.norm_k(video.permute(0, 1, 3, 4, 2))
        keys, values = block.attn.memorize(normed, lengths)
        padding = key_padding(lengths, frames, height * width)
        return VideoMemory((keys,), (values,), (padding,), ((height, width),))

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode the only image level against a memory (see `Decoder.forward`)."""
        (features,) = levels
        size = _size(features)
        tokens = self.cross_block_3d(_tokens(features), size, memory)
        return tokens.transpose(1, 2).unflatten(2, size)

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Precompute the relative positions of the two grids (see `Decoder.freeze_tables`)."""
        (image_size,), (video_size,) = image_sizes, video_sizes
        self.cross_block_3d.attn.freeze_tables(image_size, video_size)


def _block(configuration: AfformerConfiguration) -> DecoderBlock:
    return DecoderBlock(
        configuration.channels,
        configuration.heads,
        configuration.finest_size,
        configuration.maximum_frames,
    )


def _tokens(features: Tensor) -> Tensor:
    """Reshape [B, C, height, width] to [B, height * width, C]."""
    return features.flatten(2).transpose(1, 2)


def _size(features: Tensor) -> Size:
    return int(features.shape[-2]), int(features.shape[-1])
