# SPDX-License-Identifier: Apache-2.0
"""The training of a hand detector, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from afformer_core.hands.average_precision import (
    area_precision,
    eleven_point_precision,
    hands_found,
    interactions_found,
    states_found,
)
from afformer_core.hands.detector_folder import (
    INTERACTION_SCORE,
    initial_detector,
    initial_ingredients,
    save_hand_detector,
)
from afformer_core.hands.faster_rcnn_hands import hands_of
from afformer_core.hands.hand import Hand
from afformer_core.offline.training.hands.data import HandBatch, HandData
from afformer_core.offline.training.model_training import ModelTraining, Optimization
from afformer_core.offline.training.validation import gathered

_OPTIMIZATION = Optimization()


class HandTraining(ModelTraining):
    """The training of a Faster R-CNN that detects hands and their contact with objects.

    Args:
        architecture: architecture of the detector, one of `ARCHITECTURES`.
        weights: initial weights: `coco`, `random` or the folder of a detector (see
            `initial_detector`).
        optimization: the optimizer and its rates.
        precision: required precision of the interactions found in validation, which determines the
            stored interaction score; above 0, at most 1.

    Raises:
        ValueError: a value is out of its range.
    """

    # The average over eleven recalls jumps when the highest recall passes one of them.
    metrics = ('hand_interaction_area', 'hand', 'hand_interaction', 'interaction')

    def __init__(
        self,
        architecture: str,
        weights: str = 'random',
        optimization: Optimization = _OPTIMIZATION,
        precision: float = 0.95,
    ) -> None:
        if not 0 < precision <= 1:
            raise ValueError(f'precision is {precision}; expected above 0 and at most 1')
        super().__init__(initial_detector(architecture, weights), optimization)
        self._architecture = architecture
        # The paper's, if no score has the required precision.
        self._interaction_score: float = INTERACTION_SCORE
        self.ingredients = initial_ingredients(weights)
        optimization.freeze(self.model)
        self._precision = precision
        self._found: dict[int, tuple[Hand, ...]] = {}

    def training_step(self, batch: HandBatch, batch_index: int) -> Tensor:
        """Compute the loss of a batch."""
        cuda = [self.device] if self.device.type == 'cuda' else []
        # Sampling of anchors and proposals is seeded by the step and the images, so that a resumed
        # training draws the same.
        with torch.random.fork_rng(cuda):
            seed = np.random.SeedSequence((self.global_step, *batch.samples)).generate_state(1)
            torch.manual_seed(int(seed[0]))
            parts: dict[str, Tensor] = self.model(_colours(batch), list(batch.targets))
        loss = torch.stack(list(parts.values())).sum()
        self.note_loss(loss)
        self.log('train/loss', loss, prog_bar=True)
        for name, value in parts.items():
            self.log(f'train/{name.removeprefix("loss_")}', value)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Check the loss, and discard the detections of the last validation."""
        super().on_validation_epoch_start()
        self._found.clear()

    def validation_step(self, batch: HandBatch, batch_index: int) -> None:
        """Detect hands in a batch."""
        outputs = self.model(_colours(batch))
        self._found.update(zip(batch.samples, map(hands_of, outputs), strict=True))

    def on_validation_epoch_end(self) -> None:
        """Gather the detections of all processes and measure them; each image counts once."""
        found = gathered(self._found)
        data: HandData = self.trainer.datamodule  # type: ignore[attr-defined]
        detected = [found[index] for index in sorted(found)]
        annotated = [data.validation_samples[index].hands for index in sorted(found)]
        interactions = interactions_found(detected, annotated)
        score = interactions.score_of_precision(self._precision)
        self._interaction_score = INTERACTION_SCORE if score is None else score
        states = states_found(detected, annotated)
        for name, measured in {
            'hand': eleven_point_precision(hands_found(detected, annotated)),
            'hand_interaction': eleven_point_precision(states),
            'hand_interaction_area': area_precision(states),
            'interaction': eleven_point_precision(interactions),
        }.items():
            self.log(f'validation/{name}', measured, prog_bar=True, rank_zero_only=True)

    def save(
        self, folder: Path, model: FasterRCNN, training: Mapping[str, Any], dtype: torch.dtype
    ) -> None:
        """Write the folder of the detector (see `ModelTraining.save`)."""
        score = round(self._interaction_score, 4)
        save_hand_detector(folder, model, self._architecture, training, score, dtype)


def _colours(batch: HandBatch) -> list[Tensor]:
    """Convert the images to floats, on their device."""
    return [image / 255 for image in batch.images]
