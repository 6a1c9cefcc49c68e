# SPDX-License-Identifier: Apache-2.0
"""Checks before a training resumes: its checkpoint, configuration and samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from afformer_core.errors import AfformerError
from afformer_core.files.folder_lock import FolderHeldError, folder_lock
from afformer_core.offline.training.callbacks.last_checkpoint import SAMPLES
from afformer_core.offline.training.datasets.batched_data import SamplesNote

# Settings that may change between interruption and resuming.
_FREE = ('data.workers', 'data.init_args.workers', 'data.init_args.cache_folder')
_BOUND = ('model.', 'data.')
_ANEW = 'Give another output folder to start again; --model.initial sets the initial weights'


@dataclass(frozen=True)
class Reached:
    """The progress of a training, from its checkpoint.

    Attributes:
        steps: number of finished steps.
        samples: note on its samples.
    """

    steps: int
    samples: SamplesNote


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock a model folder against other trainings; create it if missing.

    Raises:
        AfformerError: another process is training in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with folder_lock(folder, patient=False):
            yield
    except FolderHeldError as error:
        raise AfformerError(
            f'{folder} is being trained by another process. Wait until it ends, or give another '
            'output folder'
        ) from error


def require_checkpoint_of(path: Path, module: nn.Module) -> Reached:
    """Check that training can resume from a checkpoint.

    Args:
        path: path of the checkpoint.
        module: module to train.

    Returns:
        the progress of the training.

    Raises:
        AfformerError: the checkpoint is damaged, or of another architecture.
    """
    try:
        content = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
        found = {name: tensor.shape for name, tensor in content['state_dict'].items()}
        reached = Reached(int(content['global_step']), content[SAMPLES])
    except Exception as error:
        raise AfformerError(
            f'{path} is not a checkpoint that training can resume from ({type(error).__name__}: '
            f'{error}). Remove it, or give another output folder'
        ) from error
    expected = {name: tensor.shape for name, tensor in module.state_dict().items()}
    if found != expected:
        differing = sorted(
            name
            for name in found.keys() | expected.keys()
            if found.get(name) != expected.get(name)
        )
        raise AfformerError(
            f'{path} has another architecture; {len(differing)} tensors differ, such as '
            f'{differing[:3]}. Give another output folder to start again'
        )
    return reached


def require_same_configuration(path: Path, content: str) -> None:
    """Check that the configuration of model and data has not changed.

    Optimizer and order are restored from the checkpoint, so new values would be stored but not
    used.

    Args:
        path: path of the earlier configuration, if it exists.
        content: the new configuration, as YAML.

    Raises:
        AfformerError: settings differ, other than those of the machine and the number of steps.
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
            f'{key} is {now.get(key)!r}; expected {before.get(key)!r} as in the training in '
            f'{path.parent} ({len(differing)} settings differ). {_ANEW}'
        )


def require_same_samples(folder: Path, before: SamplesNote, now: SamplesNote) -> None:
    """Check that a training resumes with its original samples.

    Batches are drawn by the indices of samples, so a changed list would change all batches.

    Args:
        folder: folder of the training.
        before: note on the earlier samples.
        now: note on the current samples.

    Raises:
        AfformerError: the samples differ.
    """
    if before == now:
        return
    if before['count'] != now['count']:
        difference = f'{before["count"]} samples, now there are {now["count"]}'
    else:
        difference = (
            f'{before["count"]} samples, some of which have changed, including their points and '
            f'order'
        )
    raise AfformerError(
        f'{folder} contains a training on {difference}. Restore the data to continue. {_ANEW}'
    )


def _flat(fields: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    found = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f'{prefix}{name}.'))
        else:
            found[f'{prefix}{name}'] = value
    return found
