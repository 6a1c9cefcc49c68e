# SPDX-License-Identifier: Apache-2.0
"""Writers of the best model of a training."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn
from torchvision.models.detection import FasterRCNN

from afformer_core.hands.detector_folder import save_hand_detector
from afformer_core.hands.motion_detector import MotionHandDetector
from afformer_core.licences import Ingredient
from afformer_core.models.afformer import Afformer
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.offline.training.callbacks.averaging import averaged_model
from afformer_core.offline.training.contact.module import ContactTraining
from afformer_core.offline.training.exemplars import add_exemplars, make_exemplars
from afformer_core.offline.training.hands.module import HandTraining
from afformer_core.offline.training.module import GroundingTraining
from afformer_core.runtime.matching.exemplars import Exemplars
from afformer_core.runtime.model_folder import copy_matching
from afformer_core.runtime.weights import save_matching_network, save_model


class BestWriter(Callback):
    """A callback that writes a folder whenever a validation is the best so far.

    The last step is always validated. Without validation, the folder is written when training
    ends. Weights are those of the moving average, if there is one.

    Args:
        folder: folder of the model.
        description: description of the training, stored with the weights.
        dtype: type in which the weights are stored.
        ingredients: function that returns the data and weights from which the model is made, after
            the samples are known.

    Attributes:
        measure: name of the deciding measure, after `validation/`.
        sign: 1 if a higher value is better, -1 if a lower one is.
        metrics: names of the measures that are written.
    """

    measure: str
    sign: int
    metrics: tuple[str, ...]

    def __init__(
        self,
        folder: Path,
        description: Mapping[str, Any],
        dtype: torch.dtype,
        ingredients: Callable[[], Sequence[Ingredient]] = tuple,
    ) -> None:
        self.folder = folder
        self.dtype = dtype
        self._description = dict(description)
        self._ingredients = ingredients
        self._best: float | None = None

    @abstractmethod
    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        """Write the folder.

        Args:
            model: model to write.
            trained: module that trains it.
            training: description of the training, with its measures.
        """

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Request a validation of the last step, as Lightning does before it stops on request."""
        if trainer.global_step >= trainer.max_steps:
            trainer.should_stop = True

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write if this validation is the best so far."""
        measured = trainer.callback_metrics.get(f'validation/{self.measure}')
        if trainer.sanity_checking or measured is None:
            return
        if self._best is not None and not self.sign * (float(measured) - self._best) > 0:
            return
        self._best = float(measured)
        self._write(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write if there was no validation."""
        if self._best is None:
            self._write(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a resumed training."""
        return {'best': self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        self._best = state_dict['best']

    def _write(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        measured = {
            name: round(float(trainer.callback_metrics[f'validation/{name}']), 4)
            for name in self.metrics
            if f'validation/{name}' in trainer.callback_metrics
        }
        training = {**self._description, 'step': trainer.global_step, 'validation': measured}
        if ingredients := self._ingredients():
            training['trained_on'] = [ingredient.to_json() for ingredient in ingredients]
        model = averaged_model(trainer) or pl_module.model
        assert isinstance(model, nn.Module)
        self.write(model, pl_module, training)


class ModelWriter(BestWriter):
    """A writer of `model.json` and the weights of a grounding model, with what it inherits."""

    measure = 'kld'
    sign = -1
    metrics: tuple[str, ...] = ('kld', 'sim', 'auc_j', 'top_1')
    _exemplars: Exemplars | None = None

    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        """Write the model folder (see `BestWriter.write`)."""
        assert isinstance(model, Afformer)
        assert isinstance(trained, GroundingTraining)
        inheritance = trained.inheritance
        if inheritance is None:
            save_model(self.folder, model, training, self.dtype)
            return
        save_model(
            self.folder,
            model,
            {**training, 'initial': inheritance.to_json()},
            self.dtype,
            inheritance.calibration,
            inheritance.zoom_stages,
        )
        copy_matching(inheritance.folder, self.folder)
        if trained.exemplars and self._exemplars is None:
            # The exemplars depend only on the pairs, not on the trained weights.
            self._exemplars = make_exemplars(
                self.folder, trained.training_samples, trained.exemplars, progress=True
            )
        if self._exemplars is not None:
            add_exemplars(self.folder, self._exemplars)


class ContactWriter(BestWriter):
    """A writer of `model.json` and the weights of a matching network."""

    measure = 'contact'
    sign = 1
    metrics = ('contact',)

    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        """Write the folder of the matching network (see `BestWriter.write`)."""
        assert isinstance(model, MatchingNetwork)
        assert isinstance(trained, ContactTraining)
        if trained.initial is not None:
            training = {**training, 'initial': trained.initial}
        save_matching_network(self.folder, model, training, self.dtype)


class DetectorWriter(BestWriter):
    """A writer of `detector.json` and the weights."""

    # The average over eleven recalls jumps when the highest recall passes one of them.
    measure = 'hand_interaction_area'
    sign = 1
    metrics = ('hand', 'hand_interaction', 'hand_interaction_area', 'interaction')

    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        """Write the folder of the detector (see `BestWriter.write`)."""
        assert isinstance(model, FasterRCNN | MotionHandDetector)
        assert isinstance(trained, HandTraining)
        save_hand_detector(
            self.folder,
            model,
            trained.architecture,
            training,
            round(trained.interaction_score, 4),
            trained.interval,
            self.dtype,
        )
