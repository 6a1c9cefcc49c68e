# SPDX-License-Identifier: Apache-2.0
"""The callback that writes the model with the best validation so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from afformer_core.licences import Ingredient
from afformer_core.offline.training.callbacks.averaging import averaged_model
from afformer_core.offline.training.model_training import ModelTraining


class ModelWriter(Callback):
    """A callback that writes a folder whenever a validation is the best so far.

    The last step is always validated. Without validation, the folder is written when training
    ends. Weights are those of the moving average, if there is one.

    Args:
        folder: folder of the model.
        description: description of the training, stored with the weights.
        dtype: type in which the weights are stored.
        ingredients: function that returns the data and weights from which the model is made, after
            the samples are known.
    """

    def __init__(
        self,
        folder: Path,
        description: Mapping[str, Any],
        dtype: torch.dtype,
        ingredients: Callable[[], Sequence[Ingredient]] = tuple,
    ) -> None:
        self._folder = folder
        self._dtype = dtype
        self._description = dict(description)
        self._ingredients = ingredients
        self._best: float | None = None

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
        assert isinstance(pl_module, ModelTraining)
        measured = trainer.callback_metrics.get(f'validation/{pl_module.metrics[0]}')
        if trainer.sanity_checking or measured is None:
            return
        if self._best is not None and not pl_module.sign * (float(measured) - self._best) > 0:
            return
        self._best = float(measured)
        self._write(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write if there was no validation."""
        assert isinstance(pl_module, ModelTraining)
        if self._best is None:
            self._write(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a resumed training."""
        return {'best': self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        self._best = state_dict['best']

    def _write(self, trainer: Trainer, trained: ModelTraining) -> None:
        if not trainer.is_global_zero:
            return
        measured = {
            name: round(float(trainer.callback_metrics[f'validation/{name}']), 4)
            for name in trained.metrics
            if f'validation/{name}' in trainer.callback_metrics
        }
        training = {**self._description, 'step': trainer.global_step, 'validation': measured}
        if ingredients := self._ingredients():
            training['trained_on'] = [ingredient.to_json() for ingredient in ingredients]
        model = averaged_model(trainer) or trained.model
        trained.save(self._folder, model, training, self._dtype)
