# SPDX-License-Identifier: Apache-2.0
"""Writer of the best model of a training as a folder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn

from afformer_core.models.afformer import Afformer
from afformer_core.runtime.weights import save_model
from afformer_core.training.callbacks.averaging import averaged_model
from afformer_core.training.module import GroundingTraining


class BestWriter(Callback):
    """Writes a folder whenever validation is better than ever.

    The last step is validated too, whatever the interval. Without validation, the folder is
    written when training ends. Weights are those of the moving average, where there is one.

    Args:
        folder: of the model.
        description: of the training, to be written beside the weights.
        dtype: type that the weights are stored in.

    Attributes:
        measure: name of what decides, after `validation/`.
        sign: 1 where more of it is better, -1 where less is.
        metrics: names of what is written down.
    """

    measure: str
    sign: int
    metrics: tuple[str, ...]

    def __init__(self, folder: Path, description: Mapping[str, Any], dtype: torch.dtype) -> None:
        self.folder = folder
        self.dtype = dtype
        self._description = dict(description)
        self._best: float | None = None

    @abstractmethod
    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        """Write the folder.

        Args:
            model: that is to be kept.
            trained: what trains it.
            training: how it was trained and what was measured.
        """

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Have the last step validated, as Lightning does before it stops on demand."""
        if trainer.global_step >= trainer.max_steps:
            trainer.should_stop = True

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, if this is the best so far."""
        measured = trainer.callback_metrics.get(f'validation/{self.measure}')
        if trainer.sanity_checking or measured is None:
            return
        if self._best is not None and not self.sign * (float(measured) - self._best) > 0:
            return
        self._best = float(measured)
        self._write(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, if there was no validation."""
        if self._best is None:
            self._write(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training must know."""
        return {'best': self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
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
        model = averaged_model(trainer) or pl_module.model
        assert isinstance(model, nn.Module)
        self.write(model, pl_module, training)


class ModelWriter(BestWriter):
    """Writes `model.json` and the weights of a grounding model, with what it inherits."""

    measure = 'kld'
    sign = -1
    metrics = ('kld', 'sim', 'auc_j', 'top_1')

    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        """See `BestWriter.write`."""
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
