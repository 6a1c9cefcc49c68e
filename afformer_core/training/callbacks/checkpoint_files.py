# SPDX-License-Identifier: Apache-2.0
"""Checkpoints on disk: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from afformer_core.errors import AfformerError


class WholeCheckpoints(TorchCheckpointIO):
    """A writer of checkpoints that writes to a temporary file and renames it.

    If the disk is full, the previous checkpoint is still complete.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            AfformerError: it cannot be written.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(prefix=f'.{target.name}.', dir=target.parent)
        try:
            with os.fdopen(descriptor, 'wb') as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(aside, 0o644)
            os.replace(aside, target)
        except (OSError, RuntimeError) as error:
            raise AfformerError(
                f'the checkpoint {target} cannot be written: {error}. Make room and resume; the '
                'previous one is complete'
            ) from error
        finally:
            Path(aside).unlink(missing_ok=True)
