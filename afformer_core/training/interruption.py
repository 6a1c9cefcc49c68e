# SPDX-License-Identifier: Apache-2.0
"""An interruption ends training between two steps, with a checkpoint."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Interruption(Callback):
    """Waits for the end of the step after Ctrl-C, and writes a checkpoint.

    A second Ctrl-C ends at once.

    Args:
        path: of the checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked = False
        self._previous: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen for Ctrl-C."""
        self._previous = signal.signal(signal.SIGINT, self._ask)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write the checkpoint and stop, if somebody asked.

        Raises:
            KeyboardInterrupt: somebody did, in this process or another.
        """
        asked = self._asked
        if trainer.world_size > 1:
            asked = trainer.strategy.reduce_boolean_decision(asked, all=False)
        if asked:
            trainer.save_checkpoint(self._path)
            raise KeyboardInterrupt

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen no more."""
        self._stop_listening()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Listen no more."""
        self._stop_listening()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        print('\nwriting a checkpoint after this step; once more ends at once', file=sys.stderr)
        self._asked = True
        self._stop_listening()

    def _stop_listening(self) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
