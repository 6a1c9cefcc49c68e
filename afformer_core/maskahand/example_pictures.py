# SPDX-License-Identifier: Apache-2.0
"""Examples of pre-training in TensorBoard, beside the curves."""

from __future__ import annotations

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from afformer_core.maskahand.clip_data import PretrainingData
from afformer_core.maskahand.example_grid import example_grid


class ExamplePictures(Callback):
    """Shows, when training begins, what is made of some clips.

    Args:
        count: clips shown.
    """

    def __init__(self, count: int = 4) -> None:
        if count < 1:
            raise ValueError(f'count is {count}; it must be at least 1')
        self._count = count

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw, in the first process, unless training goes on from a checkpoint.

        Raises:
            ValueError: what is trained on is not made of clips.
        """
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, PretrainingData):
            raise ValueError(
                f'ExamplePictures is for pre-training data, not {type(data).__name__}'
            )
        loggers = [each for each in trainer.loggers if isinstance(each, TensorBoardLogger)]
        if trainer.global_step > 0 or not trainer.is_global_zero or not loggers:
            return
        grid = example_grid(data.first_examples(self._count))
        for logger in loggers:
            logger.experiment.add_image('examples', grid, 0, dataformats='HWC')
