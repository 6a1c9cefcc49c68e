# SPDX-License-Identifier: Apache-2.0
"""The curves of a training: losses, rates, speed and memory, by the number of finished steps."""

from __future__ import annotations

import time
from collections.abc import Sized
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from afformer_core.parallel.measured_subprocess import peak_megabytes

_LOSSES = 'train/'


class TrainingMonitor(Callback):
    """A callback that adds a point to all curves after the first step, at intervals, and last.

    `trainer.log_every_n_steps` sets the interval. Between two points no value is read from a GPU.
    The curves are

    - `train/...`: values that the module logs under such names; the progress bar shows them
    - `learning_rate`: the highest of all parameters in that step; `learning_rate_lowest`, if some
      have another, such as a backbone's - `throughput/..._per_second`: since the previous point,
      over all processes, including the time of waiting for data and excluding validation
    - `memory/gpu_peak_megabytes`: the largest GPU memory of PyTorch; without a GPU
      `memory/peak_megabytes`, the largest memory of this process

    The point of a validation is also at the number of finished steps.

    Lightning's own monitors differ: its LearningRateMonitor counts steps from 0 and leaves out the
    first one and, in a short training, all; its ThroughputMonitor makes the host wait for the GPU
    in each step and reports no speed for the first hundred; its DeviceStatsMonitor measures the
    whole machine.

    Args:
        counted: unit of a batch, for the name of the throughput.
    """

    def __init__(self, counted: str) -> None:
        self._counted = counted
        self._rates: set[float] = set()
        self._begin: float | None = None
        self._count = 0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note the time, and the rates, which the step itself changes."""
        if self._begin is None:
            self._begin, self._count = time.perf_counter(), 0
        self._rates = {
            group['lr'] for optimizer in trainer.optimizers for group in optimizer.param_groups
        }

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Sized,
        batch_idx: int,
    ) -> None:
        """Add a point, if it is due."""
        self._count += len(batch)
        if (batch_idx + 1) % trainer.accumulate_grad_batches or not _is_due(trainer):
            return
        losses = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(_LOSSES)
        }
        # Reading the losses above waited for the GPU, so that the time includes all its work.
        assert self._begin is not None
        now = time.perf_counter()
        speed = self._count * trainer.world_size / (now - self._begin)
        self._begin, self._count = now, 0
        point = {
            **losses,
            **_rates(self._rates),
            f'throughput/{self._counted}_per_second': speed,
            **_memory(trainer.strategy.root_device),
        }
        for logger in trainer.loggers:
            logger.log_metrics(point, trainer.global_step)
            # Written at once, because pages show the curves during the training.
            logger.save()
        # Tensors on the host, because the progress bar reads them in each step.
        shown = {name.removeprefix(_LOSSES): torch.tensor(loss) for name, loss in losses.items()}
        pl_module.log_dict(shown, prog_bar=True, logger=False)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the step of the validation, under the name that Lightning reserves for it."""
        pl_module.log('step', float(trainer.global_step), rank_zero_only=True)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restart the measurement of the speed."""
        self._begin = None


def _is_due(trainer: Trainer) -> bool:
    step = trainer.global_step
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    return step in (1, trainer.max_steps) or step % every == 0


def _rates(rates: set[float]) -> dict[str, float]:
    if len(rates) == 1:
        return {'learning_rate': max(rates)}
    return {'learning_rate': max(rates), 'learning_rate_lowest': min(rates)}


def _memory(device: torch.device) -> dict[str, float]:
    if device.type == 'cuda':
        peak = torch.cuda.max_memory_allocated(device) / 2**20
        return {'memory/gpu_peak_megabytes': peak}
    return {'memory/peak_megabytes': peak_megabytes()}
