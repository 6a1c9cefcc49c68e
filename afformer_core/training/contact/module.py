# SPDX-License-Identifier: Apache-2.0
"""The training of a contact head, step by step."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from afformer_core.models.matching.contact import Contact, ContactHead
from afformer_core.models.matching.matching_decoder import MatchingDecoder
from afformer_core.training.architecture import Architecture
from afformer_core.training.contact.contact_loss import ContactTargets, contact_loss
from afformer_core.training.contact.retiming import retime
from afformer_core.training.datasets.batch import Batch, FeatureBatch
from afformer_core.training.module import GroundingTraining
from afformer_core.training.optimization import Optimization
from afformer_core.training.validation import gathered

_OPTIMIZATION = Optimization()
# Share of the diagonal within which a contact counts as found.
_NEAR = 0.05


class ContactTraining(GroundingTraining):
    """The training of the contact head of a matching network; all other weights are fixed.

    Args:
        architecture: architecture of the model, with the decoder matching.
        action_names: names of the actions, which come from the data and are not set.
        optimization: the optimizer and its rates.
        backbone_weights: initial weights of the backbone, as for `GroundingTraining`.
        initial: initial model folder instead, or `shipped`.

    Raises:
        ValueError: the architecture has another decoder.
    """

    def __init__(
        self,
        architecture: Architecture,
        action_names: tuple[str, ...] = (),
        optimization: Optimization = _OPTIMIZATION,
        backbone_weights: str = 'random',
        initial: Path | None = None,
    ) -> None:
        super().__init__(
            architecture,
            action_names,
            optimization=optimization,
            backbone_weights=backbone_weights,
            initial=initial,
        )
        decoder = self.model.decoder
        if not isinstance(decoder, MatchingDecoder):
            raise ValueError(
                f'decoder is {self.model.configuration.decoder!r}; expected matching, which has a '
                'contact head. Use the preset afformer_matching'
            )
        self.head: ContactHead = decoder.contact
        self.model.requires_grad_(False)
        self.head.requires_grad_(True)
        self._near: dict[int, float] = {}

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the loss of a batch."""
        stages, targets = _contact_of(batch)
        # Seeded by the step, so that a resumed training draws the same numbers.
        rng = torch.Generator().manual_seed(self.global_step)
        stages, targets = retime(stages, targets, rng)
        loss = contact_loss(self.head(stages), targets)
        self._last_loss = loss.detach()
        self._require_finite_loss()
        self.log('train/contact_loss', self._last_loss, logger=False)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Check the loss, and discard the results of the last validation."""
        super().on_validation_epoch_start()
        self._near.clear()

    def validation_step(self, batch: Batch, batch_index: int) -> dict[str, Any]:
        """Measure one demonstration whose first frame shows the contact."""
        stages, targets = _contact_of(batch)
        contact: Contact = self.head(stages)
        distances = _distances(contact.first, targets.points[:, 0])
        for index, distance in zip(sorted(set(batch.samples)), distances.tolist(), strict=True):
            if not math.isnan(distance):
                self._near[index] = float(distance <= _NEAR)
        return {}

    def on_validation_epoch_end(self) -> None:
        """Gather the measures of all processes; each demonstration counts once."""
        found = {i: near for part in gathered(self._near) for i, near in part.items()}
        if found:
            self.log('validation/contact', sum(found.values()) / len(found), rank_zero_only=True)


def _contact_of(batch: Batch) -> tuple[tuple[Tensor, ...], ContactTargets]:
    """Return the backbone stages of a batch's demonstrations, and their contact.

    Raises:
        ValueError: the data are not features, or do not contain the contact.
    """
    if not isinstance(batch, FeatureBatch) or batch.contact is None:
        raise ValueError(
            'the data have no contacts of demonstrations; expected FeatureData over annotations '
            'with contact_point. Create them with `afformer simulate`'
        )
    return tuple(stage.float() for stage in batch.videos), batch.contact


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
