# SPDX-License-Identifier: Apache-2.0
"""The curves of a training: losses and learning rates, by the number of finished steps."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

_LOSSES = 'train/'


class TrainingMonitor(Callback):
    """A callback that adds a point to all curves after the first step, at intervals, and last.

    `trainer.log_every_n_steps` sets the interval. Between two points no value is read from a GPU.
    The curves are

    - `train/...`: values that the module logs under such names; the progress bar shows them
    - `learning_rate`: the highest of all parameters in that step; `learning_rate_lowest`, if some
      have another, such as a backbone's

    The point of a validation is also at the number of finished steps.

    Lightning's LearningRateMonitor counts steps from 0 and leaves out the first one and, in a
    short training, all.
    """

    def __init__(self) -> None:
        self._rates: set[float] = set()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note the rates, which the step itself changes."""
        self._rates = {
            group['lr'] for optimizer in trainer.optimizers for group in optimizer.param_groups
        }

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Add a point, if it is due."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches or not _is_due(trainer):
            return
        losses = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(_LOSSES)
        }
        point = {**losses, **_rates(self._rates)}
        for logger in trainer.loggers:
            logger.log_metrics(point, trainer.global_step)
            # Written at once, so that TensorBoard shows the curves during the training.
            logger.save()
        # Tensors on the host, because the progress bar reads them in each step.
        shown = {name.removeprefix(_LOSSES): torch.tensor(loss) for name, loss in losses.items()}
        pl_module.log_dict(shown, prog_bar=True, logger=False)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the step of the validation, under the name that Lightning reserves for it."""
        pl_module.log('step', float(trainer.global_step), rank_zero_only=True)


def _is_due(trainer: Trainer) -> bool:
    step = trainer.global_step
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    return step in (1, trainer.max_steps) or step % every == 0


def _rates(rates: set[float]) -> dict[str, float]:
    if len(rates) == 1:
        return {'learning_rate': max(rates)}
    return {'learning_rate': max(rates), 'learning_rate_lowest': min(rates)}
