# SPDX-License-Identifier: Apache-2.0
"""The training of a hand detector, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from afformer_core.hands.average_precision import (
    area_precision,
    eleven_point_precision,
    hands_found,
    interactions_found,
    states_found,
)
from afformer_core.hands.detector_folder import INTERACTION_SCORE
from afformer_core.hands.faster_rcnn_hands import hands_of, on_host
from afformer_core.hands.hand import Hand, colours
from afformer_core.hands.initial_detector import initial_detector
from afformer_core.hands.motion_detector import MotionHandDetector
from afformer_core.training.constants import keep_statistics
from afformer_core.training.hands.batch import HandBatch
from afformer_core.training.hands.data import HandData
from afformer_core.training.optimization import Optimization
from afformer_core.training.validation import gathered

_OPTIMIZATION = Optimization()


class HandTraining(LightningModule):
    """Trains a Faster R-CNN to find hands and to tell whether they touch an object.

    Args:
        architecture: of the detector, one of `ARCHITECTURES`.
        weights: what it begins with: `coco`, `imagenet`, `random` or the folder of a detector,
            see `initial_detector`.
        optimization: the optimizer and its rates.
        interval: seconds between the frames of motion images, where the detector is to take
            such; null: it takes still ones.
        searched_share: of the images of a step that hands are searched for in; the others teach
            contact alone, from motion; 0: what finds hands stays as it is. 1 where it takes still
            images.
        precision: share of the interactions found in validation that is to be right from the
            interaction score on, which is written beside the weights; above 0, at most 1.

    Attributes:
        model: the detector.
        architecture, interval: as above.
        interaction_score: the lowest score that gave that precision in the last validation; the
            paper's where none did.
    """

    def __init__(
        self,
        architecture: str,
        weights: str = 'random',
        optimization: Optimization = _OPTIMIZATION,
        interval: float | None = None,
        searched_share: float = 1.0,
        precision: float = 0.95,
    ) -> None:
        super().__init__()
        if not 0 < precision <= 1:
            raise ValueError(f'precision is {precision}; it must be above 0 and at most 1')
        if not 0 <= searched_share <= 1 or (interval is None and searched_share != 1):
            raise ValueError(
                f'searched_share is {searched_share} and interval {interval}; expected 0 to 1, '
                'and 1 without an interval'
            )
        self.architecture = architecture
        self.interval = interval
        self.optimization = optimization
        self.interaction_score: float = INTERACTION_SCORE
        self.model = initial_detector(architecture, weights, interval)
        optimization.freeze(self.model)
        if isinstance(self.model, MotionHandDetector):
            self.model.searched_share = searched_share
            if not searched_share:
                self.model.hands.requires_grad_(False)
        self._precision = precision
        self._found: dict[int, tuple[Hand, ...]] = {}
        # The trainer leaves modes as it finds them.
        self.train()

    def train(self, mode: bool = True) -> HandTraining:
        """Training mode, but batch norms keep the statistics they were pre-trained with."""
        super().train(mode)
        keep_statistics(self)
        return self

    def training_step(self, batch: HandBatch, batch_index: int) -> Tensor:
        """The loss of a batch."""
        cuda = [self.device] if self.device.type == 'cuda' else []
        # Which anchors and proposals are learned from is drawn; a training that was interrupted
        # draws the same.
        with torch.random.fork_rng(cuda):
            torch.manual_seed(_seed(self.global_step, batch))
            parts: dict[str, Tensor] = self.model(_colours(batch), list(batch.targets))
        loss = torch.stack(list(parts.values())).sum()
        if not bool(torch.isfinite(loss)):
            raise ValueError(
                f'the loss of step {self.global_step} is {float(loss)}; lower '
                'optimization.learning_rate, or train in a wider precision'
            )
        self.log('train/loss', loss, logger=False)
        for name, value in parts.items():
            self.log(f'train/{name.removeprefix("loss_")}', value, logger=False)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin anew."""
        self._found.clear()

    def validation_step(self, batch: HandBatch, batch_index: int) -> None:
        """Detect hands."""
        outputs = on_host(self.model(_colours(batch)))
        self._found.update(zip(batch.samples, map(hands_of, outputs), strict=True))

    def on_validation_epoch_end(self) -> None:
        """Gather what all processes found, and measure it; each image counts once."""
        found = {i: hands for part in gathered(self._found) for i, hands in part.items()}
        data: HandData = self.trainer.datamodule  # type: ignore[attr-defined]
        detected = [found[index] for index in sorted(found)]
        annotated = [data.validation_samples[index].hands for index in sorted(found)]
        interactions = interactions_found(detected, annotated)
        score = interactions.score_of_precision(self._precision)
        self.interaction_score = INTERACTION_SCORE if score is None else score
        states = states_found(detected, annotated)
        for name, measured in {
            'hand': eleven_point_precision(hands_found(detected, annotated)),
            'hand_interaction': eleven_point_precision(states),
            'hand_interaction_area': area_precision(states),
            'interaction': eleven_point_precision(interactions),
        }.items():
            self.log(f'validation/{name}', measured, prog_bar=True, rank_zero_only=True)

    def configure_optimizers(self) -> Any:
        """AdamW and its schedule over the trainer's steps."""
        optimizer = self.optimization.optimizer(self.model)
        schedule = self.optimization.schedule(optimizer, self.trainer.max_steps)
        return {
            'optimizer': optimizer,
            'lr_scheduler': {'scheduler': schedule, 'interval': 'step'},
        }


def _colours(batch: HandBatch) -> list[Tensor]:
    """The images as networks take them, made on their device."""
    return [colours(image) for image in batch.images]


def _seed(step: int, batch: HandBatch) -> int:
    """The same for the same images in the same step."""
    return int(np.random.SeedSequence((step, *batch.samples)).generate_state(1)[0])
