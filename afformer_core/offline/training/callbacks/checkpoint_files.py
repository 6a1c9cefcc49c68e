# SPDX-License-Identifier: Apache-2.0
"""Atomic writing of checkpoints."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside


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
