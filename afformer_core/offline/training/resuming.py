# SPDX-License-Identifier: Apache-2.0
"""Checks before a training resumes: its checkpoint, configuration and samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml

from afformer_core.errors import AfformerError
from afformer_core.files.folder_lock import FolderHeldError, folder_lock

# Settings that may change between interruption and resuming.
_FREE = ('data.workers', 'data.init_args.workers', 'data.init_args.cache_folder')
_BOUND = ('model.', 'data.')


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


def finished_steps(path: Path) -> int:
    """Read the number of finished steps of a training from its checkpoint.

    Raises:
        AfformerError: the checkpoint is damaged.
    """
    try:
        content = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
        return int(content['global_step'])
    except Exception as error:
        raise AfformerError(
            f'{path} is not a checkpoint that training can resume from ({type(error).__name__}: '
            f'{error}). Remove it, or give another output folder'
        ) from error


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
            f'{path.parent} ({len(differing)} settings differ). Give another output folder '
            'to start again; --model.initial sets the initial weights'
        )


def _flat(fields: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    found = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f'{prefix}{name}.'))
        else:
            found[f'{prefix}{name}'] = value
    return found
