# SPDX-License-Identifier: Apache-2.0
"""The decoder of the released ViTDet model: cross-attention from one image level."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.decoder import Mlp
from afformer_core.models.decoders.memory import Decoder, VideoMemory, key_padding
from afformer_core.models.layers.attention import CrossAttention3d, Size
from afformer_core.models.layers.numerics import NORM_EPSILON


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
        size = (features.shape[2], features.shape[3])
        tokens = self.cross_block_3d(features.flatten(2).transpose(1, 2), size, memory)
        return tokens.transpose(1, 2).unflatten(2, size)

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Precompute the relative positions of the two grids (see `Decoder.freeze_tables`)."""
        (image_size,), (video_size,) = image_sizes, video_sizes
        self.cross_block_3d.attn.freeze_tables(image_size, video_size)
