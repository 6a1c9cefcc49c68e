# SPDX-License-Identifier: Apache-2.0
"""The checkpoint that an interrupted training resumes from."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from afformer_core.training.datasets.batched_data import SamplesNote

# Where a checkpoint notes what was trained on, see `BatchedData.training_note`.
SAMPLES = 'training_samples'
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class LastCheckpoint(Checkpoint):
    """Written every so many steps, after every validation, at the end, and when asked to stop.

    That of the last step is written when all else is done.

    Ctrl-C and SIGTERM are answered after the step, so that what is written is whole; a second
    time they end at once. It stands behind all other callbacks, since it keeps what they know.

    Args:
        path: of the checkpoint.
        steps: between two of them, at least 1.
    """

    def __init__(self, path: Path, steps: int) -> None:
        if steps < 1:
            raise ValueError(f'there are {steps} steps between checkpoints; expected at least 1')
        self._path = path
        self._steps = steps
        self._asked = False
        self._previous: dict[int, Any] = {}
        self._samples: SamplesNote = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen, and note what is trained on."""
        self._samples = trainer.datamodule.training_note()  # type: ignore[attr-defined]
        self._previous = {number: signal.signal(number, self._ask) for number in _SIGNALS}

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write, if it is time or somebody asked to stop.

        Raises:
            KeyboardInterrupt: somebody asked to stop, in this process or another.
        """
        # Gradients that were only gathered are in no checkpoint.
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        # After a checkpoint of the last step nothing is done any more, so that it is written when
        # that step is validated and the model is.
        if trainer.global_step >= trainer.max_steps:
            return
        asked = self._asked
        if trainer.world_size > 1:
            asked = trainer.strategy.reduce_boolean_decision(asked, all=False)
        if asked or trainer.global_step % self._steps == 0:
            trainer.save_checkpoint(self._path)
        if asked:
            raise KeyboardInterrupt

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what this validation was found to be."""
        if not trainer.sanity_checking:
            trainer.save_checkpoint(self._path)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, and listen no more."""
        trainer.save_checkpoint(self._path)
        self._stop_listening()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Listen no more."""
        self._stop_listening()

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what is trained on, so that training goes on with the same alone."""
        checkpoint[SAMPLES] = self._samples

    def _ask(self, number: int, frame: FrameType | None) -> None:
        print('\nwriting a checkpoint after this step; once more ends at once', file=sys.stderr)
        self._asked = True
        self._stop_listening()

    def _stop_listening(self) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        self._previous = {}
