# SPDX-License-Identifier: Apache-2.0
"""The paper's naive baseline, and earlier methods of its Tables 1 and 2 for our encoders.

The earlier methods contain no original code or weights. Backbone, losses, action head and the last
two deconvolutions are the same as in every other model, so that rows differ only in how the model
uses the demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.memory import Decoder, VideoMemory, key_padding, missing_frames
from afformer_core.models.layers.attention import (
    PADDING_SCORE,
    attend,
    group_queries_by_video,
    ungroup_by_image,
)
from afformer_core.models.layers.numerics import ChannelNorm, widened
from afformer_core.models.layers.relative_position import padded_temporal_table, temporal_table

# The usual kernel size of a ConvLSTM.
_KERNEL_SIZE = 3
_FRAME_STRIDE = 32


class DeconvolutionDecoder(Decoder):
    """The paper's naive baseline: a vector for the video, and deconvolutions of the coarse image.

    Positions within frames are averaged, as in earlier work on the task, which decodes a heatmap
    from the image's features joined with an embedding of the video. Here the embedding is soft
    attention over the frames.

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
        self.join = _joining_convolution(2 * channels, channels)
        self.deconvolutions = _deconvolutions(configuration)

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


class ConvLstm(nn.Module):
    """An LSTM whose states are maps and whose products are convolutions (Shi et al., 2015).

    It has no peephole connections. With a kernel and maps of one position, it is an ordinary LSTM.
    Its states stay in fp32, regardless of the precision of its convolutions.

    Args:
        channels: channels C of the maps and of the states.
        kernel_size: size of both kernels; odd.
    """

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        shape, padding = (channels, 4 * channels, kernel_size), kernel_size // 2
        self.input = nn.Conv2d(*shape, padding=padding)
        self.recurrent = nn.Conv2d(*shape, padding=padding, bias=False)
        # A forget gate that is initially open preserves early frames until training uses them.
        assert self.input.bias is not None
        nn.init.ones_(self.input.bias.detach()[channels : 2 * channels])

    def forward(self, video: Tensor, missing: Tensor | None = None) -> Tensor:
        """Compute the hidden state after each frame.

        Args:
            video: [B, T, C, height, width], padded at the end.
            missing: [B, T], true at padding, which leaves the hidden state as it is; None if
                every frame exists.

        Returns:
            [B, T, C, height, width]; the last state is the one after the last existing frame.
        """
        inputs = self.input(video.flatten(0, 1)).unflatten(0, video.shape[:2])
        hidden = cell = torch.zeros_like(widened(video[:, 0]))
        states = []
        for time in range(video.shape[1]):
            recurrent = self.recurrent(hidden.to(self.recurrent.weight.dtype))
            gates = widened(inputs[:, time] + recurrent)
            entry, forget, candidate, output = gates.chunk(4, dim=1)
            cell = forget.sigmoid() * cell + entry.sigmoid() * candidate.tanh()
            following = output.sigmoid() * cell.tanh()
            if missing is not None:
                following = torch.where(missing[:, time, None, None, None], hidden, following)
            hidden = following
            states.append(hidden)
        return torch.stack(states, dim=1).to(video.dtype)


class DemonstrationEncoder(nn.Module):
    """An encoder of videos as vectors, by the states of a recurrent network.

    Args:
        channels: channels C of the features and of the embedding.
        kind: 'lstm' for the last state of an LSTM over frames averaged over their positions,
            'conv_lstm' for that of a ConvLSTM, averaged over its positions, or
            'attended_conv_lstm' for all its states, summed by temporal soft attention.
    """

    def __init__(self, channels: int, kind: str) -> None:
        super().__init__()
        self.norm_frames = ChannelNorm(channels)
        self._averages = kind == 'lstm'
        # The names of parameters tell both networks apart.
        self._network = 'lstm' if self._averages else 'conv_lstm'
        self.add_module(self._network, ConvLstm(channels, 1 if self._averages else _KERNEL_SIZE))
        self.attention: nn.Sequential | None = None
        if kind == 'attended_conv_lstm':
            self.attention = nn.Sequential(
                nn.Linear(channels, channels), nn.Tanh(), nn.Linear(channels, 1, bias=False)
            )

    def forward(self, video: Tensor, missing: Tensor | None = None) -> Tensor:
        """Embed videos.

        Args:
            video: features [B, T, C, height, width].
            missing: [B, T], true at padding; None if every frame exists.

        Returns:
            embeddings [B, C].
        """
        normed = self.norm_frames(video.flatten(0, 1)).unflatten(0, video.shape[:2])
        if self._averages:
            normed = normed.mean(dim=(3, 4), keepdim=True)
        states: Tensor = self.get_submodule(self._network)(normed, missing).mean(dim=(3, 4))
        if self.attention is None:
            return states[:, -1]
        scores = self.attention(states)[..., 0]
        if missing is not None:
            scores = scores.masked_fill(missing, PADDING_SCORE)
        weights = widened(scores).softmax(dim=1).to(states.dtype)
        return (weights[:, :, None] * states).sum(dim=1)


class Demo2VecDecoder(Decoder):
    """Demo2Vec (Fang et al., CVPR 2018): one vector for the demonstration, joined with the image.

    As published: a demonstration encoder of recurrent networks over the features of frames, with
    or without convolutional states and temporal soft attention, computes one embedding; a
    predictor broadcasts it over the features of the target image, computes the heatmap from both
    by transposed convolutions and names the action.

    This implementation differs where the publication is not specific or all models must be equal:
    the backbone and its pyramid; one layer with as many channels as the pyramid; frames averaged
    to a grid of stride 32 and normalised before the recurrent network; the image at stride 16,
    joined by one convolution and upsampled as in `DeconvolutionDecoder`; actions scored from the
    joined features by the head of every other model, where Demo2Vec decodes them from the
    embedding. The motion stream is left out.

    Args:
        configuration: the architecture; it has one image level, and the decoder 'lstm',
            'conv_lstm' or 'attended_conv_lstm'.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        self._maximum_frames = configuration.maximum_frames
        stride = configuration.input_size[0] // configuration.feature_size[0]
        self._pooling = _FRAME_STRIDE // stride
        channels = configuration.channels
        self.demonstration_encoder = DemonstrationEncoder(channels, configuration.decoder)
        self.join = _joining_convolution(2 * channels, channels)
        self.deconvolutions = _deconvolutions(configuration)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Compute the embedding, which is the memory's only value (see `Decoder.memorize`)."""
        pooled = functional.avg_pool2d(video.flatten(0, 1), self._pooling)
        pooled = pooled.unflatten(0, video.shape[:2])
        if torch.compiler.is_compiling():
            # A loop over an unknown number of frames cannot be exported; one over the maximum can.
            frames = video.shape[1]
            positions = torch.arange(self._maximum_frames, device=video.device)
            pooled = pooled[:, positions.clamp(max=frames - 1)]
            if lengths is None:
                lengths = torch.full((len(video),), frames, device=video.device)
        missing = missing_frames(lengths, pooled.shape[1])
        values = self.demonstration_encoder(pooled, missing)[:, None, None]
        return VideoMemory((torch.zeros_like(values[..., :1]),), (values,), (None,), ((1, 1),))

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode the only image level to the size of the finest one (see `Decoder.forward`)."""
        (image,), (values,) = levels, memory.values
        embedding = values[:, 0, 0].repeat_interleave(len(image) // len(values), dim=0)
        spread = embedding[:, :, None, None].expand_as(image)
        return self.deconvolutions(self.join(torch.cat((image, spread), dim=1)))


class Img2heatmapDecoder(Decoder):
    """Img2heatmap (as in Nagarajan et al., ICCV 2019): the heatmap from the image alone.

    As published: a fully convolutional encoder and decoder, supervised with heatmaps, one for each
    action class, without a demonstration. Its accuracy shows how much of a dataset can be
    predicted without any demonstration.

    Differences of this implementation: the backbone and its pyramid; the image at stride 16, one
    convolution, and upsampled as in `DeconvolutionDecoder`. A single heatmap
    (`heatmap_per_action: false`) covers all actions. Actions are also scored from the image.

    Args:
        configuration: the architecture, with one image level.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        self.convolution = _joining_convolution(configuration.channels, configuration.channels)
        self.deconvolutions = _deconvolutions(configuration)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Return a memory of one key and one value, both zero (see `Decoder.memorize`)."""
        nothing = video.new_zeros((len(video), 1, 1, 1))
        return VideoMemory((nothing,), (nothing.clone(),), (None,), ((1, 1),))

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode the only image level to the size of the finest one (see `Decoder.forward`)."""
        (image,) = levels
        return self.deconvolutions(self.convolution(image))


def _joining_convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Build the 3 x 3 convolution with norm and activation that precedes `_deconvolutions`."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        ChannelNorm(outputs),
        nn.GELU(),
    )


def _deconvolutions(configuration: AfformerConfiguration) -> nn.Sequential:
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
