# SPDX-License-Identifier: Apache-2.0
"""Callbacks that write: the best model so far, and the checkpoint from which training resumes."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside
from afformer_core.licences import Ingredient
from afformer_core.offline.training.callbacks.averaging import averaged_model
from afformer_core.offline.training.model_training import ModelTraining


class ModelWriter(Callback):
    """A callback that writes a folder whenever a validation is the best so far.

    The last step is always validated. Without validation, the folder is written when training
    ends. Weights are those of the moving average, if there is one.

    Args:
        folder: folder of the model.
        description: description of the training, stored with the weights.
        dtype: type in which the weights are stored.
        ingredients: function that returns the data and weights from which the model is made, after
            the samples are known.
    """

    def __init__(
        self,
        folder: Path,
        description: Mapping[str, Any],
        dtype: torch.dtype,
        ingredients: Callable[[], Sequence[Ingredient]] = tuple,
    ) -> None:
        self._folder = folder
        self._dtype = dtype
        self._description = dict(description)
        self._ingredients = ingredients
        self._best: float | None = None

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Request a validation of the last step, as Lightning does before it stops on request."""
        if trainer.global_step >= trainer.max_steps:
            trainer.should_stop = True

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write if this validation is the best so far."""
        assert isinstance(pl_module, ModelTraining)
        measured = trainer.callback_metrics.get(f'validation/{pl_module.metrics[0]}')
        if trainer.sanity_checking or measured is None:
            return
        if self._best is not None and not pl_module.sign * (float(measured) - self._best) > 0:
            return
        self._best = float(measured)
        self._write(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write if there was no validation."""
        assert isinstance(pl_module, ModelTraining)
        if self._best is None:
            self._write(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a resumed training."""
        return {'best': self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        self._best = state_dict['best']

    def _write(self, trainer: Trainer, trained: ModelTraining) -> None:
        if not trainer.is_global_zero:
            return
        measured = {
            name: round(float(trainer.callback_metrics[f'validation/{name}']), 4)
            for name in trained.metrics
            if f'validation/{name}' in trainer.callback_metrics
        }
        training = {**self._description, 'step': trainer.global_step, 'validation': measured}
        if ingredients := self._ingredients():
            training['trained_on'] = [ingredient.to_json() for ingredient in ingredients]
        model = averaged_model(trainer) or trained.model
        trained.save(self._folder, model, training, self._dtype)


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
