# SPDX-License-Identifier: Apache-2.0
"""Strict loading of tensors into a module: all tensors are used, and all parameters are filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from afformer_core.models.pretrained.checkpoint_file import CheckpointError

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
