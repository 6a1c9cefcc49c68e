# SPDX-License-Identifier: Apache-2.0
"""Checkpoints on disk: whole or not at all, and only of the experiment that goes on."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from torch import nn

from afformer_core.errors import AfformerError


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place, then renames it there.

    Where the disk is full, the checkpoint of before is still there, whole.
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
                f'the checkpoint {target} cannot be written: {error}; the one of before is whole, '
                'make room and resume'
            ) from error
        finally:
            Path(aside).unlink(missing_ok=True)


def require_checkpoint_of(path: Path, module: nn.Module) -> None:
    """Check that training can go on from a checkpoint.

    Args:
        path: of the checkpoint.
        module: what is trained.

    Raises:
        AfformerError: it is damaged, or of another architecture.
    """
    try:
        state = torch.load(path, map_location='cpu', weights_only=True, mmap=True)['state_dict']
        found = {name: tensor.shape for name, tensor in state.items()}
    except Exception as error:
        raise AfformerError(
            f'{path} is no checkpoint that training can go on from ({type(error).__name__}: '
            f'{error}); remove it, or give another output folder'
        ) from error
    wanted = {name: tensor.shape for name, tensor in module.state_dict().items()}
    if found != wanted:
        differing = sorted(
            name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)
        )
        raise AfformerError(
            f'{path} is of another architecture; {len(differing)} tensors differ, such as '
            f'{differing[:3]}. Give another output folder to begin anew'
        )
