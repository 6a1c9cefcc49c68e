# SPDX-License-Identifier: Apache-2.0
"""The training of a contact head, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.models.backbone_levels import is_timm
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.models.matching.network import Contact, MatchingNetwork
from afformer_core.offline.training.datasets.batch import Batch, ContactTargets
from afformer_core.offline.training.datasets.batched_data import GroundingData
from afformer_core.offline.training.initial_weights import (
    backbone_ingredients,
    initial_matching_network,
)
from afformer_core.offline.training.model_training import ModelTraining, Optimization
from afformer_core.offline.training.validation import gathered
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    model_ingredients,
    read_matching_description,
)
from afformer_core.runtime.shipped_model import model_folder
from afformer_core.runtime.weights import save_matching_network

_OPTIMIZATION = Optimization()
# Share of the diagonal within which a contact counts as found.
_NEAR = 0.05


@dataclass(frozen=True)
class MatchingArchitecture:
    """The fields of a `MatchingConfiguration` that do not follow from its backbone.

    See `MatchingConfiguration` for their meaning and range.

    Attributes:
        backbone: backbone, such as `efficientnet_lite0` or `timm:convnext_tiny`.
        input_size: (height, width) of images and frames, twice that of the decoder.
        maximum_frames: maximum number of frames of a demonstration, as the decoder has.
        contact_channels: width of the contact head.
    """

    backbone: str
    input_size: tuple[int, int]
    maximum_frames: int
    contact_channels: int

    def configuration(self) -> MatchingConfiguration:
        """Build the configuration.

        Raises:
            ValueError: a field is outside its range, or timm cannot build the backbone.
        """
        height, width = self.input_size
        size = int(height), int(width)
        fields: dict[str, Any] = {'backbone': self.backbone, 'input_size': size}
        if is_timm(self.backbone):
            # timm takes seconds to import, and other backbones do not need it.
            from afformer_core.models.backbones.timm_body import timm_fields

            fields = timm_fields(self.backbone, size)
        return MatchingConfiguration(
            **fields, maximum_frames=self.maximum_frames, contact_channels=self.contact_channels
        )


class ContactTraining(ModelTraining):
    """The training of the contact head of a matching network, whose backbone is frozen.

    Args:
        architecture: architecture of the network.
        optimization: the optimizer and its rates; `frozen` names parameters of the contact head.
        backbone_weights: initial weights of the backbone, as for `GroundingTraining`.
        initial: folder of an initial matching network instead, or of a model that has one, or
            `shipped`; it may have another input size.

    """

    model: MatchingNetwork
    metrics = ('contact',)

    def __init__(
        self,
        architecture: MatchingArchitecture,
        optimization: Optimization = _OPTIMIZATION,
        backbone_weights: str = 'random',
        initial: Path | None = None,
    ) -> None:
        configuration = architecture.configuration()
        folder = None if initial is None else model_folder(initial)
        if folder is not None and (folder / MATCHING_FOLDER).is_dir():
            folder /= MATCHING_FOLDER
        network = initial_matching_network(configuration, backbone_weights, folder)
        super().__init__(network, optimization)
        self._initial: dict[str, str] | None = None
        if folder is None:
            self.ingredients = backbone_ingredients(configuration.backbone, backbone_weights)
        else:
            weights = read_matching_description(folder).weights_sha256
            self._initial = {'folder': str(folder), 'weights_sha256': weights}
            self.ingredients = model_ingredients(folder)
        optimization.freeze(self.model.contact)
        self.model.encoder.requires_grad_(False)
        self._near: dict[int, float] = {}

    def setup(self, stage: str) -> None:
        """Check that data and network match.

        Raises:
            ValueError: the data has longer demonstrations than the network supports.
        """
        data: GroundingData = self.trainer.datamodule  # type: ignore[attr-defined]
        data.require_frames_within(self.model.configuration.maximum_frames)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the loss of a batch."""
        stages, targets = _contact_of(batch)
        # Seeded by the step, so that a resumed training draws the same numbers.
        rng = torch.Generator().manual_seed(self.global_step)
        stages, targets = retime(stages, targets, rng)
        loss = contact_loss(self.model.find_contact(stages), targets)
        self.note_loss(loss)
        self.log('train/contact_loss', loss.detach(), prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Check the loss, and discard the results of the last validation."""
        super().on_validation_epoch_start()
        self._near.clear()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Measure one demonstration whose first frame shows the contact."""
        stages, targets = _contact_of(batch)
        contact = self.model.find_contact(stages)
        distances = _distances(contact.first, targets.points[:, 0])
        for index, distance in zip(sorted(set(batch.samples)), distances.tolist(), strict=True):
            if not math.isnan(distance):
                self._near[index] = float(distance <= _NEAR)

    def on_validation_epoch_end(self) -> None:
        """Gather the measures of all processes; each demonstration counts once."""
        if found := gathered(self._near):
            self.log('validation/contact', sum(found.values()) / len(found), rank_zero_only=True)

    def save(
        self, folder: Path, model: MatchingNetwork, training: Mapping[str, Any], dtype: torch.dtype
    ) -> None:
        """Write the folder of the matching network (see `ModelTraining.save`)."""
        if self._initial is not None:
            training = {**training, 'initial': self._initial}
        save_matching_network(folder, model, training, dtype)


def _contact_of(batch: Batch) -> tuple[tuple[Tensor, ...], ContactTargets]:
    """Return the backbone stages of a batch's demonstrations, coarse to fine, and their contact.

    Raises:
        ValueError: the data are not features, or do not contain the contact.
    """
    if not isinstance(batch.videos, tuple) or batch.contact is None:
        raise ValueError(
            'the data have no contacts of demonstrations; expected FeatureData over annotations '
            'with contact_point. Create them with `afformer simulate`'
        )
    return tuple(stage.float() for stage in reversed(batch.videos)), batch.contact


def _distances(logits: Tensor, points: Tensor) -> Tensor:
    """Compute the distance [B] of each map's peak from a point, as a share of the diagonal.

    Args:
        logits: [B, h, w].
        points: [B, 2], (x, y) as shares of the width and height; NaN gives NaN.
    """
    height, width = logits.shape[-2:]
    best = logits.flatten(1).argmax(dim=1)
    peaks = torch.stack(((best % width + 0.5) / width, (best // width + 0.5) / height), dim=1)
    distances: Tensor = (peaks - points).norm(dim=1)
    return distances / 2**0.5


# Standard deviations of the targets, as shares of a frame's side.
_FIRST_SPREAD = 0.02
_FRAME_SPREAD = 0.03
# Weights of the contact in each frame and of its moments, relative to the first frame.
_FRAME_WEIGHT = 0.5
_MOMENT_WEIGHT = 0.2
# Share of demonstrations that are retimed.
_RETIMED = 0.5


def contact_loss(contact: Contact, targets: ContactTargets) -> Tensor:
    """Compute the loss of the contact in the first frame, in each frame, and of its moments.

    Args:
        contact: output of the model.
        targets: targets. Demonstrations whose first frame does not show the contact point have no
            loss for the first frame, and frames without contact have no loss for the position.
    """
    known = ~targets.points.isnan().any(dim=2)
    first = _divergence(contact.first, targets.points[:, 0], _FIRST_SPREAD)
    each = _divergence(contact.frames, targets.points, _FRAME_SPREAD)
    moments = functional.binary_cross_entropy_with_logits(
        contact.in_contact.float(), targets.in_contact.float()
    )
    return (
        _mean(first, known[:, 0])
        + _FRAME_WEIGHT * _mean(each, known & targets.in_contact)
        + _MOMENT_WEIGHT * moments
    )


def _divergence(logits: Tensor, points: Tensor, spread: float) -> Tensor:
    """Compute the divergence [...] of maps [..., h, w] from Gaussians around points [..., 2]."""
    axes = [(torch.arange(side, device=logits.device) + 0.5) / side for side in logits.shape[-2:]]
    centre = points.nan_to_num(0.5)
    down, across = (
        -(axis - centre[..., index, None]).square() / (2 * spread**2)
        for axis, index in zip(axes, (1, 0), strict=True)
    )
    expected = (down[..., :, None] + across[..., None, :]).flatten(-2).log_softmax(dim=-1)
    found = logits.float().flatten(-2).log_softmax(dim=-1)
    return functional.kl_div(found, expected, reduction='none', log_target=True).sum(dim=-1)


def _mean(losses: Tensor, counted: Tensor) -> Tensor:
    return (losses * counted).sum() / counted.sum().clamp(min=1)


def retime(
    stages: Sequence[Tensor], targets: ContactTargets, rng: torch.Generator
) -> tuple[tuple[Tensor, ...], ContactTargets]:
    """Draw frames of each demonstration in order, some of them twice and some never.

    Simulated hands move at a constant pace, whereas real ones hesitate. The first frame, in which
    the contact is searched, is kept.

    Args:
        stages: backbone stages of frames, each [D, T, C, h, w].
        targets: targets of the same D demonstrations.
        rng: random generator of the draws, on the host.
    """
    frames = targets.in_contact.shape[1]
    order = torch.stack([_order(frames, rng) for _ in range(len(targets.in_contact))])
    order = order.to(targets.in_contact.device)
    rows = torch.arange(len(order), device=order.device)[:, None]
    moved = targets.moved(lambda tensor: tensor[rows, order])
    return tuple(stage[rows, order] for stage in stages), moved


def _order(frames: int, rng: torch.Generator) -> Tensor:
    """Draw the order of the frames of one demonstration, with its number of frames."""
    if float(torch.rand((), generator=rng)) >= _RETIMED:
        return torch.arange(frames)
    order = torch.randint(frames, (frames,), generator=rng).sort().values
    order[0] = 0
    return order
