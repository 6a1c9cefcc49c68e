# SPDX-License-Identifier: Apache-2.0
"""The matching network: the stages of a backbone, and the contact of a demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.backbones.convolutional_encoder import convolutional_stages
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.layers.attention import PADDING_SCORE
from afformer_core.models.layers.numerics import widened
from afformer_core.models.matching.configuration import MatchingConfiguration


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

    def find_contact(self, stages: Sequence[Tensor]) -> Contact:
        """Find the contact of demonstrations.

        Args:
            stages: stages of the frames, coarse to fine, each [B, T, C, height, width].
        """
        contact: Contact = self.contact(tuple(reversed(stages)))
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


_FINE = 32
_GROUPS = 8
# Share of the backbone's channels that training drops.
_DROPPED = 0.3


@dataclass(frozen=True)
class Contact:
    """The contact of B demonstrations, as logits.

    Attributes:
        first: [B, 2h, 2w], position in the first frame that is touched then or later; softmax over
            the positions gives probabilities.
        frames: [B, T, h, w], position of the contact in each frame; the same softmax applies.
        in_contact: [B, T], contact in each frame; the sigmoid gives probabilities.
    """

    first: Tensor
    frames: Tensor
    in_contact: Tensor


class ContactHead(nn.Module):
    """A small network that finds the contact from the backbone's stages of the frames.

    A hand hides the touched part, so the contact point is found in the first frame, from its
    differences to later frames.

    Args:
        channels: channels of the stages of stride 8, 16 and 32.
        width: channels of the head, a multiple of 8.
    """

    def __init__(self, channels: tuple[int, int, int], width: int) -> None:
        super().__init__()
        fine, middle, coarse = channels
        # It drops whole channels, the same in all frames.
        self.dropout = nn.Dropout3d(_DROPPED)
        self.fine = nn.Conv2d(fine, _FINE, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(middle, width, 1)
        self.coarse = nn.Conv2d(coarse, width, 1)
        self.join = nn.Sequential(
            _norm(_FINE + 2 * width),
            nn.GELU(),
            nn.Conv2d(_FINE + 2 * width, width, 1),
            _norm(width),
        )
        self.change = _convolutions(3 * width, width)
        self.position = nn.Conv2d(width, 1, 1)
        self.touching = nn.Linear(width, 1)
        self.time = nn.Conv1d(width, width, 3, padding=1)
        self.summary = _convolutions(4 * width, width)
        self.first_coarse = nn.Conv2d(width, 1, 1)
        self.first_fine = nn.Conv2d(fine, _FINE, 1)
        self.first = nn.Sequential(
            nn.Conv2d(width + _FINE, 48, 3, padding=1),
            _norm(48),
            nn.GELU(),
            nn.Conv2d(48, 1, 3, padding=1),
        )
        # Training begins with about even odds of contact in every frame.
        nn.init.trunc_normal_(self.touching.weight, std=0.02)
        nn.init.zeros_(self.touching.bias)

    def forward(self, stages: Sequence[Tensor], missing: Tensor | None = None) -> Contact:
        """Find the contact.

        Args:
            stages: backbone stages of stride 8, 16 and 32, each [B, T, C, height, width]; finite
                also in frames that do not exist.
            missing: [B, T], true at frames that do not exist, or None. The first one exists.
        """
        batch, frames = stages[0].shape[:2]
        stages = [self.dropout(stage.transpose(1, 2)).transpose(1, 2) for stage in stages]
        x = self._joined([stage.flatten(0, 1) for stage in stages]).unflatten(0, (batch, frames))
        difference = x - x[:, :1]
        changes = torch.cat((x, difference, difference.abs()), dim=2)
        y = self.change(changes.flatten(0, 1))
        position = self.position(y)
        weights = position.flatten(1).softmax(dim=1)[:, :, None]
        motion = (y.flatten(2) @ weights)[..., 0].unflatten(0, (batch, frames))
        in_contact = self.touching(motion)[..., 0]
        summary = self._summary(y.unflatten(0, (batch, frames)), in_contact, missing)
        first = self._first(torch.cat((x[:, 0], summary), dim=1), stages[0][:, 0])
        return Contact(first, position[:, 0].unflatten(0, (batch, frames)), in_contact)

    def _joined(self, stages: Sequence[Tensor]) -> Tensor:
        """Resample the three stages to the grid of stride 16."""
        fine, middle, coarse = stages
        coarse = functional.interpolate(
            self.coarse(coarse), size=middle.shape[-2:], mode='bilinear', align_corners=False
        )
        joined: Tensor = self.join(torch.cat((self.fine(fine), self.middle(middle), coarse), 1))
        return joined

    def _summary(self, y: Tensor, in_contact: Tensor, missing: Tensor | None) -> Tensor:
        """Summarise [B, T, C, h, w] over time: maximum, mean, and mean while touching."""
        height, width = y.shape[-2:]
        if missing is not None:
            y = y.masked_fill(missing[:, :, None, None, None], 0.0)
            in_contact = in_contact.masked_fill(missing, PADDING_SCORE)
        lines = y.permute(0, 3, 4, 2, 1).flatten(0, 2)
        lines = functional.gelu(self.time(lines)) + lines
        z = lines.unflatten(0, (len(y), height, width)).permute(0, 4, 3, 1, 2)
        existing: Tensor | int = z.shape[1]
        highest = z
        if missing is not None:
            hidden = missing[:, :, None, None, None]
            z, highest = z.masked_fill(hidden, 0.0), z.masked_fill(hidden, PADDING_SCORE)
            existing = (~missing).sum(dim=1)[:, None, None, None]
        weights = in_contact.softmax(dim=1)[:, :, None, None, None]
        return torch.cat((highest.amax(1), z.sum(1) / existing, (z * weights).sum(1)), dim=1)

    def _first(self, summary: Tensor, fine: Tensor) -> Tensor:
        features = self.summary(summary)
        size = fine.shape[-2:]
        enlarged, coarse = (
            functional.interpolate(maps, size=size, mode='bilinear', align_corners=False)
            for maps in (features, self.first_coarse(features))
        )
        refined = self.first(torch.cat((enlarged, self.first_fine(fine)), dim=1))
        return (refined + coarse)[:, 0]


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, channels)


def _convolutions(channels: int, width: int) -> nn.Sequential:
    """Build three 3x3 convolutions with a receptive field of 9x9 positions."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1), _norm(width), nn.GELU(),
        nn.Conv2d(width, width, 3, padding=2, dilation=2), _norm(width), nn.GELU(),
        nn.Conv2d(width, width, 3, padding=1), _norm(width), nn.GELU(),
    )  # fmt: skip
