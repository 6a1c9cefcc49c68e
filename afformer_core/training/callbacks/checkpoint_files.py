# SPDX-License-Identifier: Apache-2.0
"""Atomic writing of checkpoints."""

from __future__ import annotations

import os
import tempfile
from io import BufferedWriter
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
            AfformerError: the file cannot be written.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(prefix=f'.{target.name}.', dir=target.parent)
        try:
            with os.fdopen(descriptor, 'wb') as file:
                _save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(aside, 0o644)
            os.replace(aside, target)
        except OSError as error:
            advice = 'resume; the previous one is complete' if target.exists() else 'start again'
            raise AfformerError(
                f'the checkpoint {target} cannot be written: {error.strerror or error}. Free some '
                f'space and {advice}'
            ) from error
        finally:
            Path(aside).unlink(missing_ok=True)


class _Writer:
    """A file that stores the original error of writing, which PyTorch replaces."""

    def __init__(self, file: BufferedWriter) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, content: bytes) -> int:
        try:
            return self._file.write(content)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def _save(checkpoint: dict[str, Any], file: BufferedWriter) -> None:
    writer = _Writer(file)
    try:
        torch.save(checkpoint, writer)  # type: ignore[arg-type]
    except RuntimeError as error:
        raise writer.error or error from error
