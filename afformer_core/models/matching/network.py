# SPDX-License-Identifier: Apache-2.0
"""The matching network: the stages of a backbone, and the contact of a demonstration."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from afformer_core.models.backbones.convolutional_encoder import convolutional_stages
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.layers.numerics import widened
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.models.matching.contact import Contact, ContactHead


class MatchingNetwork(nn.Module):
    """A backbone whose stages are compared between images, and a contact head over them.

    The backbone keeps its pretrained weights, and only the contact head is trained. The comparison
    itself has no weights (see `runtime.matching`). The contact head always computes in fp32, even
    if the encoder does not, because rounding would hide small differences of features.

    Args:
        configuration: the architecture.
    """

    def __init__(self, configuration: MatchingConfiguration) -> None:
        super().__init__()
        self.configuration = configuration
        self.encoder = convolutional_stages(configuration)
        coarse, middle, fine = (channels for channels, *_ in configuration.stage_shapes)
        self.contact = ContactHead((fine, middle, coarse), configuration.contact_channels)

    @property
    def encoders(self) -> tuple[Encoder, ...]:
        """The encoder of images and frames, as in `Afformer.encoders`."""
        return (self.encoder,)

    @property
    def video_encoder(self) -> Encoder:
        """The encoder of frames, which is that of images."""
        return self.encoder

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the stages of images or frames.

        Args:
            images: uint8 RGB [N, H, W, 3] at the input size.

        Returns:
            the stages, coarse to fine, each [N, C, height, width].
        """
        return tuple(widened(stage) for stage in self.encoder.encode_images(images))

    def find_contact(self, stages: Sequence[Tensor], missing: Tensor | None = None) -> Contact:
        """Find the contact of demonstrations.

        Args:
            stages: stages of the frames, coarse to fine, each [B, T, C, height, width].
            missing: see `ContactHead.forward`.
        """
        contact: Contact = self.contact(tuple(reversed(stages)), missing)
        return contact

    def map_contact(self, stages: Sequence[Tensor]) -> Tensor:
        """Compute the log-probability [B, h, w] of the contact over the first frame.

        Args:
            stages: see `find_contact`; all frames exist.
        """
        first = self.find_contact(stages).first
        return first.flatten(1).log_softmax(dim=1).view_as(first)

    def freeze_tables(self) -> None:
        """Precompute tables that depend only on the input size, for inference and export."""
        self.encoder.freeze_tables()
