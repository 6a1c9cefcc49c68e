# SPDX-License-Identifier: Apache-2.0
"""The checkpoint from which an interrupted training resumes."""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class LastCheckpoint(Checkpoint):
    """A checkpoint written at intervals, after every validation, at the end, and on interruption.

    The checkpoint of the last step is written after everything else. Ctrl-C and SIGTERM take
    effect after the step, so that the checkpoint is consistent; a second one ends the process at
    once. The callback must come after all others, because it stores their state.

    Args:
        path: path of the checkpoint.
        steps: steps between checkpoints, at least 1.
    """

    def __init__(self, path: Path, steps: int) -> None:
        if steps < 1:
            raise ValueError(f'steps between checkpoints is {steps}; expected at least 1')
        self._path = path
        self._steps = steps
        self._asked = False
        self._previous: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Install the signal handlers."""
        self._previous = {number: signal.signal(number, self._ask) for number in _SIGNALS}

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write if it is due, or after an interruption.

        Raises:
            KeyboardInterrupt: this process or another was interrupted.
        """
        # Accumulated gradients are not part of a checkpoint.
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        # A training resumed from the last step would do nothing, so its checkpoint is written only
        # after the validation and the model.
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
        """Write the state after the validation."""
        if not trainer.sanity_checking:
            trainer.save_checkpoint(self._path)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, and restore the signal handlers."""
        trainer.save_checkpoint(self._path)
        self._stop_listening()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Restore the signal handlers."""
        self._stop_listening()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        print(
            '\nwriting a checkpoint after this step; interrupt again to end at once',
            file=sys.stderr,
        )
        self._asked = True
        self._stop_listening()

    def _stop_listening(self) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        self._previous = {}


class WholeCheckpoints(TorchCheckpointIO):
    """A writer of checkpoints that writes to a temporary file in their folder and renames it.

    If the disk is full, the previous checkpoint is still complete. Lightning writes to the folder
    of temporary files, from which a file cannot be renamed to another disk.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            AfformerError: the file cannot be written.
        """
        target = Path(path)
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            write_aside(target, content.getbuffer())
        except OSError as error:
            advice = 'resume; the previous one is complete' if target.exists() else 'start again'
            raise AfformerError(
                f'the checkpoint {target} cannot be written: {error.strerror or error}. Free some '
                f'space and {advice}'
            ) from error
