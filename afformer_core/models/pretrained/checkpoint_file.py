# SPDX-License-Identifier: Apache-2.0
"""Reader of checkpoints from elsewhere; code in them is never run."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from afformer_core.errors import AfformerError

# Where Lightning and torchvision's reference training keep the tensors.
_CONTAINERS = ('state_dict', 'model')


class CheckpointError(AfformerError):
    """A file is not a checkpoint of a model that can be imported."""


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """What a checkpoint of Lightning's or of torchvision's reference training holds.

    Returns:
        its entries, with the tensors by name under `state_dict`.

    Raises:
        CheckpointError: it is missing, damaged, holds more than tensors and plain values, or has
            no `state_dict` of tensors.
    """
    content = _load(path)
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path} has no 'state_dict'; give a checkpoint of Lightning's")
    container = next((name for name in _CONTAINERS if name in content), None)
    state = content if container is None else content[container]
    if not (isinstance(state, Mapping) and state):
        raise CheckpointError(f"{path} has no 'state_dict'; give a checkpoint of Lightning's")
    if not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CheckpointError(f"the 'state_dict' of {path} holds other things than tensors")
    return {'state_dict': state} if container is None else {**content, 'state_dict': state}


def _load(path: Path) -> object:
    try:
        # Arguments of a command line, as torchvision's training keeps them, are plain values.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f'there is no checkpoint {path}') from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f'{path} holds more than tensors and plain values, and loading it could run any code; '
            "save its 'state_dict' alone with torch.save, where you trust it, and import that "
            f'({str(error).splitlines()[0]})'
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise CheckpointError(f'{path} is damaged or no checkpoint: {error}') from error


def tensor_of(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """One that decides on the sizes of a model.

    Raises:
        CheckpointError: there is no such tensor.
    """
    if name not in tensors or tensors[name].ndim == 0:
        raise CheckpointError(
            f'the checkpoint has no {name}; it is of no model that can be imported, or has other '
            'heads'
        )
    return tensors[name]
