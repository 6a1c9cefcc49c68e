# SPDX-License-Identifier: Apache-2.0
"""Loading and saving of the weights of a model folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import write_aside
from afformer_core.models.afformer import Afformer
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.model_folder import (
    WEIGHTS_FILE,
    ModelDescription,
    checked_weights_path,
    read_description,
    write_description,
)
from afformer_core.runtime.presence import PresenceCalibration
from afformer_core.runtime.stored_weights import restored, stored


def load_model(folder: Path) -> Afformer:
    """Load the model of a folder, in fp32 and evaluation mode.

    Raises:
        ModelFolderError: a part of the folder is missing, modified, of another version, of another
            architecture, or not finite.
    """
    description = read_description(folder)
    path = checked_weights_path(folder, description)
    try:
        tensors = restored(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f'{path} cannot be read as safetensors: {error}') from error
    model = Afformer(description.configuration)
    _check_matches(path, tensors, model.state_dict())
    model.load_state_dict(tensors)
    return model.eval().requires_grad_(False)


def _check_matches(
    path: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> None:
    missing, unknown = (
        sorted(expected.keys() - tensors.keys()),
        sorted(tensors.keys() - expected.keys()),
    )
    if missing or unknown:
        raise ModelFolderError(
            f'{path} lacks {len(missing)} tensors {missing[:3]} and has {len(unknown)} unknown '
            f'ones {unknown[:3]}; expected exactly those of the described architecture'
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ModelFolderError(
                f'the shape of {name} in {path} is {tuple(tensor.shape)}; expected '
                f'{tuple(expected[name].shape)}, as the described architecture has it'
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelFolderError(
                f'{path} has NaN or infinite values in {name}. Train or copy the model again'
            )


def save_model(
    folder: Path,
    model: Afformer,
    training: Mapping[str, Any],
    dtype: torch.dtype = torch.float32,
    calibration: PresenceCalibration | None = None,
    zoom_stages: tuple[ZoomStage, ...] = (),
) -> None:
    """Write a model folder; graphs of earlier weights in it no longer match.

    Args:
        folder: folder, created if it does not exist.
        model: the model.
        training: commands, data and measured limits of the weights.
        dtype: type in which floating-point weights are stored (see `stored`).
        calibration, zoom_stages: see `ModelDescription`.
    """
    content = save(stored(model.state_dict(), dtype))
    write_aside(folder / WEIGHTS_FILE, content)
    digest = hashlib.sha256(content).hexdigest()
    write_description(
        folder,
        ModelDescription(model.configuration, digest, training, calibration, zoom_stages),
    )
