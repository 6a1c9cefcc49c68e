# SPDX-License-Identifier: Apache-2.0
"""Checks before a training resumes: its checkpoint, configuration and samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from afformer_core.errors import AfformerError
from afformer_core.training.callbacks.last_checkpoint import SAMPLES
from afformer_core.training.datasets.batched_data import SamplesNote

# What may change while a training is interrupted.
_FREE = ('data.workers', 'data.init_args.workers', 'data.init_args.cache_folder')
_BOUND = ('model.', 'data.')
_ANEW = (
    'Give another output folder to begin anew; --model.initial begins with the weights of a model '
    'folder'
)


@dataclass(frozen=True)
class Reached:
    """What a checkpoint says of a training.

    Attributes:
        steps: that were taken.
        planned_steps: that its learning rate was to fall over.
        samples: that were trained on.
    """

    steps: int
    planned_steps: int
    samples: SamplesNote


def require_checkpoint_of(path: Path, module: nn.Module) -> Reached:
    """Check that training can go on from a checkpoint.

    Args:
        path: of the checkpoint.
        module: what is trained.

    Returns:
        how far it is.

    Raises:
        AfformerError: it is damaged, or of another architecture.
    """
    try:
        content = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
        found = {name: tensor.shape for name, tensor in content['state_dict'].items()}
        reached = Reached(
            int(content['global_step']),
            int(content['lr_schedulers'][0]['steps']),
            content[SAMPLES],
        )
    except Exception as error:
        raise AfformerError(
            f'{path} is no checkpoint that training can go on from ({type(error).__name__}: '
            f'{error}); remove it, or give another output folder'
        ) from error
    expected = {name: tensor.shape for name, tensor in module.state_dict().items()}
    if found != expected:
        differing = sorted(
            name
            for name in found.keys() | expected.keys()
            if found.get(name) != expected.get(name)
        )
        raise AfformerError(
            f'{path} is of another architecture; {len(differing)} tensors differ, such as '
            f'{differing[:3]}. Give another output folder to begin anew'
        )
    return reached


def require_same_experiment(path: Path, content: str) -> None:
    """Check that model and data are configured as they were.

    Optimizer and order are restored from the checkpoint, so that other values would be written
    down and not be used.

    Args:
        path: of the configuration of before, if it is there.
        content: the configuration now, as YAML.

    Raises:
        AfformerError: they differ in more than what concerns the machine and the number of steps.
    """
    if not path.is_file():
        return
    before, now = (_flat(yaml.safe_load(text)) for text in (path.read_text('utf-8'), content))
    differing = [
        key
        for key in sorted(before.keys() | now.keys())
        if key.startswith(_BOUND) and key not in _FREE and before.get(key) != now.get(key)
    ]
    if differing:
        key = differing[0]
        raise AfformerError(
            f'{path.parent} holds a training with {key} {before.get(key)!r}, now it is '
            f'{now.get(key)!r} ({len(differing)} differ). {_ANEW}'
        )


def require_same_samples(folder: Path, before: SamplesNote, now: SamplesNote) -> None:
    """Check that a training goes on with the samples that it began with.

    Batches are drawn by the places of samples, so that any other one would change them all.

    Args:
        folder: of the training.
        before: the samples of before.
        now: those of now.

    Raises:
        AfformerError: they differ.
    """
    if before == now:
        return
    if before['count'] != now['count']:
        difference = f'{before["count"]} samples, now there are {now["count"]}'
    else:
        difference = (
            f'{before["count"]} samples, of which some are others now, or have other points or '
            'another place in their order'
        )
    raise AfformerError(
        f'{folder} holds a training on {difference}. Restore the data to go on. {_ANEW}'
    )


def _flat(fields: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    found = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f'{prefix}{name}.'))
        else:
            found[f'{prefix}{name}'] = value
    return found
