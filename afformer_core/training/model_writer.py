# SPDX-License-Identifier: Apache-2.0
"""Keeps the best model of a training as a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from afformer_core.runtime.weights import save_model
from afformer_core.training.averaging import averaged_model

_METRICS = ('kld', 'sim', 'auc_j', 'top_1')


class ModelWriter(Callback):
    """Writes `model.json` and the weights whenever validation is better than ever.

    Without validation, the model is written when training ends. Weights are those of the moving
    average, where there is one.

    Args:
        folder: model folder.
        description: of the training, for `model.json`.
        dtype: type that the weights are stored in.
    """

    def __init__(self, folder: Path, description: Mapping[str, Any], dtype: torch.dtype) -> None:
        self._folder = folder
        self._description = dict(description)
        self._dtype = dtype
        self._best = float('inf')

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, if this is the best so far."""
        kld = trainer.callback_metrics.get('validation/kld')
        if trainer.sanity_checking or kld is None or not float(kld) < self._best:
            return
        self._best = float(kld)
        self._write(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, if there was no validation."""
        if self._best == float('inf'):
            self._write(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training must know."""
        return {'best': self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._best = float(state_dict['best'])

    def _write(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        model = averaged_model(trainer) or pl_module.model
        measured = {
            name: round(float(trainer.callback_metrics[f'validation/{name}']), 4)
            for name in _METRICS
            if f'validation/{name}' in trainer.callback_metrics
        }
        training = {**self._description, 'step': trainer.global_step, 'validation': measured}
        save_model(self._folder, model, training, self._dtype)  # type: ignore[arg-type]
