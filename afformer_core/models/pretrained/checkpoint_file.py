# SPDX-License-Identifier: Apache-2.0
"""A safe reader of third-party checkpoints that runs none of their code, and strict loading."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from afformer_core.errors import AfformerError

# Keys under which Lightning and torchvision's reference training store the tensors.
_CONTAINERS = ('state_dict', 'model')


class CheckpointError(AfformerError):
    """Raised if a file is not a checkpoint of a supported model."""


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Read a checkpoint of Lightning or of torchvision's reference training.

    Returns:
        its entries, with the tensors by name under `state_dict`.

    Raises:
        CheckpointError: the file is damaged, contains more than tensors and plain
            values, or has no `state_dict` of tensors.
    """
    loaded = _load(path)
    content = loaded if isinstance(loaded, Mapping) else {}
    container = next((name for name in _CONTAINERS if name in content), None)
    state = content if container is None else content[container]
    if not (isinstance(state, Mapping) and state):
        raise CheckpointError(f"{path} has no 'state_dict'; give a checkpoint of Lightning")
    if not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CheckpointError(
            f"the 'state_dict' of {path} holds more than tensors; expected tensors by name"
        )
    return {'state_dict': state} if container is None else {**content, 'state_dict': state}


def _load(path: Path) -> object:
    try:
        # torchvision's training stores its command line arguments, which are plain values.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            # A damaged file may claim any version of pickle.
            warnings.simplefilter('ignore')
            return torch.load(path, map_location='cpu', weights_only=True)
    # On a damaged file the unpickler fails with errors of any kind.
    except Exception as error:
        if held := re.search(r'GLOBAL ([\w.]+)', str(error)):
            raise CheckpointError(
                f'{path} holds {held[1]}, and loading it could run code; expected tensors and '
                "plain values. If you trust it, save its 'state_dict' alone with torch.save"
            ) from error
        raise CheckpointError(
            f'{path} is damaged or not a checkpoint; expected a file of torch.save. Copy it again'
        ) from error


def tensor_of(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """Return a tensor of a checkpoint that determines the sizes of a model.

    Raises:
        CheckpointError: there is no such tensor.
    """
    if name not in tensors or tensors[name].ndim == 0:
        raise CheckpointError(
            f'the checkpoint has no tensor {name}; expected a checkpoint of a model that can be '
            "imported, with the authors' heads"
        )
    return tensors[name]


_SHOWN = 8


def load_strictly(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    title: str,
    theirs: Callable[[str], str] = str,
) -> None:
    """Fill a module, in place.

    Args:
        module: module, of which every parameter and buffer is filled.
        tensors: tensors by their original names.
        title: name of the module in messages.
        theirs: function from a name in the module to the original name.

    Raises:
        CheckpointError: tensors are missing, unknown, of another shape or not finite; up to eight
            of each are named, and the module is unchanged.
    """
    expected = {theirs(name): name for name in module.state_dict()}
    shapes = {theirs(name): tensor.shape for name, tensor in module.state_dict().items()}
    problems = [
        *_named('missing', sorted(expected.keys() - tensors.keys())),
        *_named('unknown', sorted(tensors.keys() - expected.keys())),
        *_named(
            'of another shape',
            [
                f'{name} is {tuple(tensors[name].shape)}, expected {tuple(shapes[name])}'
                for name in sorted(expected.keys() & tensors.keys())
                if tensors[name].shape != shapes[name]
            ],
        ),
        *_named(
            'not finite',
            [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())],
        ),
    ]
    if problems:
        raise CheckpointError(f'the checkpoint does not fit {title}: {"; ".join(problems)}')
    module.load_state_dict({own: tensors[name] for name, own in expected.items()})


def _named(problem: str, names: Sequence[str]) -> list[str]:
    more = f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
    return [f'{problem}: {", ".join(names[:_SHOWN])}{more}'] if names else []
