# SPDX-License-Identifier: Apache-2.0
"""The file of a model's exemplars, whose hash is in `model.json`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import write_aside
from afformer_core.runtime.matching.exemplars import Exemplars
from afformer_core.runtime.model_folder import (
    EXEMPLARS_FILE,
    ModelDescription,
    read_description,
    write_description,
)

_ARRAYS = ('demonstrations', 'means', 'marks', 'owners')


def read_exemplars(folder: Path, description: ModelDescription) -> Exemplars | None:
    """Read the exemplars of a model folder; None if it has none.

    Raises:
        ModelFolderError: the file is missing or damaged, or does not match `model.json`.
    """
    matching = description.matching
    if matching is None or not matching.exemplars_sha256:
        return None
    path = folder / EXEMPLARS_FILE
    content = path.read_bytes() if path.is_file() else b''
    found = hashlib.sha256(content).hexdigest()
    if found != matching.exemplars_sha256:
        raise ModelFolderError(
            f'the sha256 of {path} is {found[:12]}...; expected '
            f'{matching.exemplars_sha256[:12]}... as in model.json. Copy the whole folder again'
        )
    try:
        arrays = load(content)
        return Exemplars(**{name: arrays[name] for name in _ARRAYS})
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelFolderError(f'{path} does not hold exemplars: {error}') from error


def write_exemplars(folder: Path, exemplars: Exemplars) -> None:
    """Write the exemplars of a model with a matching network, and their hash to `model.json`.

    Raises:
        ModelFolderError: the folder contains no valid model, or one without a matching network.
    """
    description = read_description(folder)
    if description.matching is None:
        raise ModelFolderError(
            f'{folder} has no matching network; expected one, such as the shipped model, to keep '
            'exemplars for'
        )
    content = save({name: getattr(exemplars, name) for name in _ARRAYS})
    write_aside(folder / EXEMPLARS_FILE, content)
    matching = replace(description.matching, exemplars_sha256=hashlib.sha256(content).hexdigest())
    write_description(folder, replace(description, matching=matching))
