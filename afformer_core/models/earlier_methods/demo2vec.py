# SPDX-License-Identifier: Apache-2.0
"""Demo2Vec (Fang et al., CVPR 2018): one vector for the demonstration, joined with the image.

As published: a demonstration encoder of recurrent networks over the features of frames, with or
without convolutional states and temporal soft attention, computes one embedding; a predictor
broadcasts it over the features of the target image, computes the heatmap from both by transposed
convolutions and names the action.

This implementation differs where the publication is not specific or all models must be equal: the
backbone and its pyramid; one layer with as many channels as the pyramid; frames averaged to a grid
of stride 32 and normalised before the recurrent network; the image at stride 16, joined by one
convolution and upsampled as in `DeconvolutionDecoder`; actions scored from the joined features by
the head of every other model, where Demo2Vec decodes them from the embedding. The motion stream is
left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.deconvolution import deconvolutions, joining_convolution
from afformer_core.models.decoders.memory import Decoder, VideoMemory
from afformer_core.models.earlier_methods.demonstration_encoders import (
    AttendedConvLstmEncoder,
    ConvLstmEncoder,
    DemonstrationEncoder,
    LstmEncoder,
)
from afformer_core.models.layers.attention import Size

_ENCODERS: dict[str, type[DemonstrationEncoder]] = {
    'lstm': LstmEncoder,
    'conv_lstm': ConvLstmEncoder,
    'attended_conv_lstm': AttendedConvLstmEncoder,
}
_FRAME_STRIDE = 32


class Demo2VecDecoder(Decoder):
    """A decoder that joins an embedding of the demonstration with the coarse image, to stride 4.

    Args:
        configuration: the architecture; it has one image level, and the decoder 'lstm',
            'conv_lstm' or 'attended_conv_lstm'.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        self._maximum_frames = configuration.maximum_frames
        stride = configuration.input_size[0] // configuration.feature_size[0]
        self._pooling = _FRAME_STRIDE // stride
        self.demonstration_encoder = _ENCODERS[configuration.decoder](configuration.channels)
        self.join = joining_convolution(2 * configuration.channels, configuration.channels)
        self.deconvolutions = deconvolutions(configuration)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Compute the embedding, which is the memory's only value (see `Decoder.memorize`)."""
        pooled = functional.avg_pool2d(video.flatten(0, 1), self._pooling)
        pooled = pooled.unflatten(0, video.shape[:2])
        if torch.compiler.is_compiling():
            # A loop over an unknown number of frames cannot be exported; one over the maximum can.
            pooled, lengths = _lengthened(pooled, lengths, self._maximum_frames)
        embedding = self.demonstration_encoder(pooled, _existing(lengths, pooled.shape[1]))
        values = embedding[:, None, None]
        return VideoMemory((torch.zeros_like(values[..., :1]),), (values,), (None,), ((1, 1),))

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode the only image level to the size of the finest one (see `Decoder.forward`)."""
        (image,), (values,) = levels, memory.values
        embedding = values[:, 0, 0].repeat_interleave(len(image) // len(values), dim=0)
        spread = embedding[:, :, None, None].expand_as(image)
        return self.deconvolutions(self.join(torch.cat((image, spread), dim=1)))

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Do nothing: no table depends on the sizes of the grids (see `Decoder.freeze_tables`)."""


def _lengthened(video: Tensor, lengths: Tensor | None, maximum: int) -> tuple[Tensor, Tensor]:
    """Pad videos [B, T, ...] to the maximum length with their last frame; return lengths too."""
    frames = video.shape[1]
    positions = torch.arange(maximum, device=video.device)
    if lengths is None:
        lengths = torch.full((len(video),), frames, device=video.device)
    return video[:, positions.clamp(max=frames - 1)], lengths


def _existing(lengths: Tensor | None, frames: int) -> Tensor | None:
    """Compute a mask [B, frames], true at frames that exist; None if all do."""
    if lengths is None:
        return None
    return torch.arange(frames, device=lengths.device) < lengths[:, None]
