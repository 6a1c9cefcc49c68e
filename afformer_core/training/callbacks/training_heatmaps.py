# SPDX-License-Identifier: Apache-2.0
"""Images of training samples and their heatmaps in TensorBoard during training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn

from afformer_core.evaluation.pairs.multi_window import mean_heatmaps
from afformer_core.media.video_frames import uniform_indices
from afformer_core.models.afformer import Afformer
from afformer_core.training.callbacks.averaging import averaged_model
from afformer_core.training.callbacks.heatmap_images import beside_target, demonstration_strip
from afformer_core.training.datasets.annotated_data import AnnotatedData

IMAGES = 'train'
"""Prefix of the names of the images, before their number."""


class TrainingHeatmaps(Callback):
    """A callback that shows heatmaps and annotations of some training samples.

    They are drawn after the first step, at intervals and at the last step, without augmentation,
    with the stored weights: the moving average, if there is one. They show what the model has
    learnt, whereas a validation shows how it generalizes.

    Args:
        count: number of samples, evenly chosen, at least 1.
        steps: steps between drawings, at least 1.

    Raises:
        ValueError: a number is below 1.
    """

    def __init__(self, count: int = 4, steps: int = 50) -> None:
        if count < 1 or steps < 1:
            raise ValueError(f'count is {count} and steps {steps}; expected at least 1 of each')
        self._count = count
        self._steps = steps

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check that the data has annotated samples.

        Raises:
            ValueError: it has none.
        """
        if not isinstance(trainer.datamodule, AnnotatedData):  # type: ignore[attr-defined]
            raise ValueError('TrainingHeatmaps draws annotated samples; the data has none')

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Draw the heatmaps at the first step, every `steps` steps, and at the last step."""
        step = trainer.global_step
        due = step in (1, trainer.max_steps) or step % self._steps == 0
        if (
            trainer.is_global_zero
            and due
            and not (batch_idx + 1) % trainer.accumulate_grad_batches
        ):
            self._draw(trainer, pl_module)

    def _draw(self, trainer: Trainer, pl_module: LightningModule) -> None:
        data: AnnotatedData = trainer.datamodule  # type: ignore[attr-defined]
        model = averaged_model(trainer) or pl_module.model
        assert isinstance(model, Afformer)
        loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
        indices = uniform_indices(len(data.training_samples), self._count)
        for number, index in enumerate(indices):
            sample = data.training_samples[index]
            with _evaluated(model), torch.no_grad():
                heatmaps, _ = data.training_batch(index).to(pl_module.device).predict(model)
            drawn = mean_heatmaps(heatmaps.float())
            own = sample.actions[0] if model.configuration.heatmap_per_action else 0
            image = np.concatenate(
                (demonstration_strip(sample), beside_target(sample, drawn[own]))
            )
            name, step = f'{IMAGES}/{number}', trainer.global_step
            for logger in loggers:
                logger.experiment.add_image(name, image, step, dataformats='HWC')
        for logger in loggers:
            logger.save()


@contextmanager
def _evaluated(model: nn.Module) -> Iterator[None]:
    """Set a model to evaluation mode, and restore the mode of each module afterwards."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
