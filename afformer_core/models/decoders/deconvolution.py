# SPDX-License-Identifier: Apache-2.0
"""The paper's naive baseline: one vector for the video, and deconvolutions of the coarse image.

Positions within frames are averaged, as in earlier work on the task, which decodes a heatmap from
the image's features joined with an embedding of the video.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.memory import Decoder, VideoMemory, key_padding
from afformer_core.models.layers.attention import group_queries_by_video, ungroup_by_image
from afformer_core.models.layers.numerics import ChannelNorm
from afformer_core.models.layers.relative_position import padded_temporal_table, temporal_table
from afformer_core.models.layers.softmax_attention import attend


class DeconvolutionDecoder(Decoder):
    """A decoder that joins soft attention over frames with the coarse image, up to stride 4.

    Args:
        configuration: the architecture; it has one image level.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        channels = configuration.channels
        self.norm_frames = nn.LayerNorm(channels)
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.times = nn.Parameter(torch.zeros(2 * configuration.maximum_frames - 1, channels))
        self.join = joining_convolution(2 * channels, channels)
        self.deconvolutions = deconvolutions(configuration)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Compute one key and one value for each frame (see `Decoder.memorize`)."""
        frames = video.shape[1]
        tokens = self.norm_frames(video.mean(dim=(3, 4)))
        times = (
            temporal_table(self.times, frames)[None]
            if lengths is None
            else padded_temporal_table(self.times, lengths, frames)
        )
        tokens = tokens + times
        scale = video.shape[2] ** -0.5
        keys = (self.k_proj(tokens) * scale)[:, None]
        values = self.v_proj(tokens)[:, None]
        padding = key_padding(lengths, frames, 1)
        return VideoMemory((keys,), (values,), (padding,), ((1, 1),))

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode the only image level to the size of the finest one (see `Decoder.forward`)."""
        (image,) = levels
        query = self.q_proj(image.mean(dim=(2, 3)))[:, None, None]
        (keys,), (values,), (padding,) = memory.keys, memory.values, memory.paddings
        asked = group_queries_by_video(query, len(keys))
        embedding = ungroup_by_image(attend(asked, keys, values, padding), len(image))
        spread = embedding[:, 0, 0, :, None, None].expand_as(image)
        return self.deconvolutions(self.join(torch.cat((image, spread), 1)))


def joining_convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Build the 3 x 3 convolution with norm and activation that precedes `deconvolutions`."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        ChannelNorm(outputs),
        nn.GELU(),
    )


def deconvolutions(configuration: AfformerConfiguration) -> nn.Sequential:
    """Build deconvolutions from the only image level to the finest one, each doubling the size."""
    enlargement = configuration.finest_size[0] // configuration.level_sizes[0][0]
    doublings = enlargement.bit_length() - 1
    return nn.Sequential(*(_doubling(configuration.channels) for _ in range(doublings)))


def _doubling(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(channels, channels, kernel_size=2, stride=2),
        ChannelNorm(channels),
        nn.GELU(),
    )
