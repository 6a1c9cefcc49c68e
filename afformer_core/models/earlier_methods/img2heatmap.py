# SPDX-License-Identifier: Apache-2.0
"""Img2heatmap (as in Nagarajan et al., ICCV 2019): the heatmap from the image alone.

As published: a fully convolutional encoder and decoder, supervised with heatmaps, a map for each
action class, without a demonstration. What it reaches is what a dataset tells of an image that
nobody demonstrated anything for.

Ours: the backbone and its pyramid; the image at stride 16, one convolution, and drawn as by
`DeconvolutionDecoder`. With one heatmap (`heatmap_per_action: false`) it is that of all actions.
Actions are scored from the image, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.deconvolution import deconvolutions, joining_convolution
from afformer_core.models.decoders.memory import Decoder, VideoMemory
from afformer_core.models.layers.attention import Size


class Img2heatmapDecoder(Decoder):
    """The coarse image, deconvolved to stride 4; demonstrations change nothing.

    Args:
        configuration: the architecture; it has one image level.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        self.convolution = joining_convolution(configuration.channels, configuration.channels)
        self.deconvolutions = deconvolutions(configuration)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """See `Decoder.memorize`; here a key and a value that are zero."""
        nothing = video.new_zeros((len(video), 1, 1, 1))
        return VideoMemory((nothing,), (nothing.clone(),), (None,), ((1, 1),))

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """See `Decoder.forward`; there is one level, which comes out at the finest."""
        (image,) = levels
        return self.deconvolutions(self.convolution(image))

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """See `Decoder.freeze_tables`; here there is no such thing."""
