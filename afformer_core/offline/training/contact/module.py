# SPDX-License-Identifier: Apache-2.0
"""The training of a contact head, step by step."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from afformer_core.licences import Ingredient
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.offline.training.contact.architecture import MatchingArchitecture
from afformer_core.offline.training.contact.contact_loss import ContactTargets, contact_loss
from afformer_core.offline.training.contact.retiming import retime
from afformer_core.offline.training.datasets.batch import Batch, FeatureBatch
from afformer_core.offline.training.datasets.batched_data import GroundingData
from afformer_core.offline.training.initial_weights import (
    backbone_ingredients,
    initial_matching_network,
)
from afformer_core.offline.training.model_training import ModelTraining
from afformer_core.offline.training.optimization import Optimization
from afformer_core.offline.training.validation import gathered
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    model_ingredients,
    read_matching_description,
)
from afformer_core.runtime.shipped_model import model_folder

_OPTIMIZATION = Optimization()
# Share of the diagonal within which a contact counts as found.
_NEAR = 0.05


class ContactTraining(ModelTraining):
    """The training of the contact head of a matching network, whose backbone is frozen.

    Args:
        architecture: architecture of the network.
        optimization: the optimizer and its rates; `frozen` names parameters of the contact head.
        backbone_weights: initial weights of the backbone, as for `GroundingTraining`.
        initial: folder of an initial matching network instead, or of a model that has one, or
            `shipped`; it may have another input size.

    Attributes:
        initial: folder and hash of the weights of the initial network; None if there is none.
        ingredients: ingredients of the initial weights; empty for random ones.
    """

    model: MatchingNetwork

    def __init__(
        self,
        architecture: MatchingArchitecture,
        optimization: Optimization = _OPTIMIZATION,
        backbone_weights: str = 'random',
        initial: Path | None = None,
    ) -> None:
        configuration = architecture.configuration()
        folder = None if initial is None else _matching_folder(model_folder(initial))
        network = initial_matching_network(configuration, backbone_weights, folder)
        super().__init__(network, optimization)
        self.initial: dict[str, str] | None = None
        self.ingredients: tuple[Ingredient, ...] = ()
        if folder is None:
            self.ingredients = backbone_ingredients(configuration.backbone, backbone_weights)
        else:
            weights = read_matching_description(folder).weights_sha256
            self.initial = {'folder': str(folder), 'weights_sha256': weights}
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
        found = {i: near for part in gathered(self._near) for i, near in part.items()}
        if found:
            self.log('validation/contact', sum(found.values()) / len(found), rank_zero_only=True)


def _matching_folder(folder: Path) -> Path:
    """Return the folder of a model's matching network, or the given one if it is such a folder."""
    beside = folder / MATCHING_FOLDER
    return beside if beside.is_dir() else folder


def _contact_of(batch: Batch) -> tuple[tuple[Tensor, ...], ContactTargets]:
    """Return the backbone stages of a batch's demonstrations, coarse to fine, and their contact.

    Raises:
        ValueError: the data are not features, or do not contain the contact.
    """
    if not isinstance(batch, FeatureBatch) or batch.contact is None:
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
