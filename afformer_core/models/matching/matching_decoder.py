# SPDX-License-Identifier: Apache-2.0
"""The decoder of a matching network: contact and matcher behind the interface of decoders."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from afformer_core.models.backbones.encoder import unpack_levels
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.memory import Decoder, VideoMemory, missing_frames
from afformer_core.models.layers.attention import Size
from afformer_core.models.layers.numerics import widened
from afformer_core.models.matching.contact import ContactHead
from afformer_core.models.matching.matcher import Descriptors, Matcher


class MatchingDecoder(Decoder):
    """A decoder that finds the contact of a demonstration, and similar positions in an image.

    It always computes in fp32, even if the encoder does not, because rounding would hide small
    differences of features.

    Args:
        configuration: the architecture, with the decoder 'matching'.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        coarse, middle, fine = configuration.frame_channels
        self._scales = configuration.frame_scales
        self._channels = configuration.frame_channels
        self.contact = ContactHead((fine, middle, coarse), configuration.channels)
        self.matcher = Matcher((coarse, middle))

    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Find and describe the contact of demonstrations (see `Decoder.memorize`).

        Args:
            video: the backbone's stages of the frames, packed, [B, T, C, height, width].
            lengths: [B] integers 1 to T, or None when every frame exists.
        """
        stages = self._stages(video)
        contact = self.contact(tuple(reversed(stages)), missing_frames(lengths, video.shape[1]))
        compared = [stage[:, 0] for stage in stages[:2]]
        described = self.matcher.describe(compared, contact.first)
        return VideoMemory((described.features,), (described.weights,), (None,), ((1, 1),))

    def find_contact(self, video: Tensor) -> Tensor:
        """Compute the log-probability [B, h, w] of the contact over the first frame.

        Args:
            video: see `memorize`; all frames exist.
        """
        first = self.contact(tuple(reversed(self._stages(video)))).first
        return first.flatten(1).log_softmax(dim=1).view_as(first)

    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Compute the log-probability [B * K, 1, h, w] that a position shows the contact.

        Args:
            levels: the backbone's stages of the images, coarse to fine, each [B * K, C, height,
                width].
            memory: memory from `memorize`, of B demonstrations.
        """
        described = Descriptors(memory.keys[0], memory.values[0])
        scores = self.matcher.correlate([widened(stage) for stage in levels[:2]], described)
        return scores.flatten(1).log_softmax(dim=1).view_as(scores)[:, None]

    def _stages(self, video: Tensor) -> list[Tensor]:
        return [widened(each) for each in unpack_levels(video, self._scales, self._channels)]

    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Do nothing: there are no tables."""
