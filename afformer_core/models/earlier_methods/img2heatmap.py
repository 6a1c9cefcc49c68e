# SPDX-License-Identifier: Apache-2.0
"""Img2heatmap (as in Nagarajan et al., ICCV 2019): the heatmap from the image alone.

As published: a fully convolutional encoder and decoder, supervised with heatmaps, one for each
action class, without a demonstration. Its accuracy shows how much of a dataset can be predicted
without any demonstration.

Differences of this implementation: the backbone and its pyramid; the image at stride 16, one
convolution, and upsampled as in `DeconvolutionDecoder`. A single heatmap (`heatmap_per_action:
false`) covers all actions. Actions are also scored from the image.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.deconvolution import deconvolutions, joining_convolution
from afformer_core.models.decoders.memory import Decoder, VideoMemory
from afformer_core.models.layers.attention import Size


class Img2heatmapDecoder(Decoder):
    """A decoder of only the coarse image, up to stride 4, which ignores demonstrations.

    Args:
        configuration: the architecture, with one image level.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        self.convolution = joining_convolution(configuration.channels, configuration.channels)
        self.deconvolutions = deconvolutions(configuration)

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Return a memory of one key and one value, both zero (see `Decoder.memorize`)."""
        nothing = video.new_zeros((len(video), 1, 1, 1))
        return VideoMemory((nothing,), (nothing.clone(),), (None,), ((1, 1),))

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode the only image level to the size of the finest one (see `Decoder.forward`)."""
        (image,) = levels
        return self.deconvolutions(self.convolution(image))

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Do nothing: no table depends on the sizes of the grids (see `Decoder.freeze_tables`)."""
