# SPDX-License-Identifier: Apache-2.0
"""The common part of trainings: checks of the loss, the optimizer and its schedule."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from typing_extensions import Self

from afformer_core.offline.training.constants import keep_statistics
from afformer_core.offline.training.optimization import Optimization


class ModelTraining(LightningModule):
    """The training of a model whose loss is checked before anything is written.

    Args:
        model: the model to train.
        optimization: the optimizer and its rates.

    Attributes:
        model, optimization: see the arguments.
    """

    model: nn.Module

    def __init__(self, model: nn.Module, optimization: Optimization) -> None:
        super().__init__()
        self.model = model
        self.optimization = optimization
        self._last_loss = torch.zeros(())
        # The trainer does not change modes.
        self.train()

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002
        """Set the training mode, except that batch norms keep their pretrained statistics."""
        super().train(mode)
        keep_statistics(self)
        return self

    def note_loss(self, loss: Tensor, steps_unchecked: int = 1) -> None:
        """Keep the loss of a step for the checks, and check it at intervals.

        Args:
            loss: the loss.
            steps_unchecked: number of steps between checks; each check waits for the device.

        Raises:
            ValueError: see `require_finite_loss`.
        """
        self._last_loss = loss.detach()
        if self.global_step % steps_unchecked == 0:
            self.require_finite_loss()

    def require_finite_loss(self) -> None:
        """Check the last loss, which waits for the device.

        Raises:
            ValueError: it is not finite; neither are the weights after such a step.
        """
        if not math.isfinite(loss := float(self._last_loss)):
            raise ValueError(
                f'training diverged: the loss is {loss} at step {self.global_step}. Lower '
                'model.optimization.learning_rate, clip gradients (trainer.gradient_clip_val: 1), '
                'or train in a wider precision'
            )

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        """Log the learning rate of the step, the highest of all parameters."""
        (optimizer,) = self.trainer.optimizers
        self.log('learning_rate', max(group['lr'] for group in optimizer.param_groups))

    def on_train_epoch_end(self) -> None:
        """Check the loss of the last step before the model is written."""
        self.require_finite_loss()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check the loss, so that no broken checkpoint replaces a usable one."""
        self.require_finite_loss()

    def on_validation_epoch_start(self) -> None:
        """Check the loss before a validation."""
        self.require_finite_loss()

    def configure_optimizers(self) -> Any:
        """Build AdamW and its schedule over the trainer's steps."""
        optimizer = self.optimization.optimizer(self.model)
        schedule = self.optimization.schedule(optimizer, self.trainer.max_steps)
        return {
            'optimizer': optimizer,
            'lr_scheduler': {'scheduler': schedule, 'interval': 'step'},
        }
