# SPDX-License-Identifier: Apache-2.0
"""The moving average of the weights, which is validated and stored."""

from __future__ import annotations

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor, nn


class MovingAverage(WeightAveraging):
    """Exponential moving average of the weights.

    Args:
        decay: share of the average that a step keeps, from 0 to below 1; less in the first steps,
            so that the influence of the random initialisation soon vanishes.
    """

    def __init__(self, decay: float = 0.998) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f'decay is {decay}; expected at least 0 and below 1')
        self.decay = decay
        super().__init__(use_buffers=False, multi_avg_fn=self._average)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Initialise the average as a copy of the model, on its device."""
        super().setup(trainer, pl_module, stage)
        if self._average_model is not None:
            # Each step reads the count, which on a GPU would wait for all pending work.
            self._average_model.n_averaged = self._average_model.n_averaged.new_zeros(
                (), device='cpu'
            )

    def _average(
        self, averages: list[Tensor], currents: list[Tensor], count: Tensor | int
    ) -> None:
        """Update the averages in place."""
        assert self._average_model is not None
        steps = int(self._average_model.n_averaged)
        share = 1 - min(self.decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(averages, currents, share)


def averaged_model(trainer: Trainer) -> nn.Module | None:
    """Return the model with averaged weights, if one of Lightning's callbacks averages them."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, WeightAveraging) and callback._average_model is not None:
            model = callback._average_model.module.model
            assert isinstance(model, nn.Module)
            return model
    return None
