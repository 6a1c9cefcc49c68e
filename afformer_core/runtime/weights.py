# SPDX-License-Identifier: Apache-2.0
"""Loading and saving of the weights of a model folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import write_aside
from afformer_core.models.afformer import Afformer
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.models.stored_weights import restored, stored
from afformer_core.runtime.calibrations import PresenceCalibration
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.model_folder import (
    WEIGHTS_FILE,
    MatchingDescription,
    ModelDescription,
    NetworkDescription,
    checked_weights_path,
    read_description,
    read_matching_description,
    write_description,
    write_matching_description,
)

Network = TypeVar('Network', bound=nn.Module)


def load_model(folder: Path) -> Afformer:
    """Load the model of a folder, in fp32 and evaluation mode.

    Raises:
        ModelFolderError: a part of the folder is missing, modified, of another version, of another
            architecture, or not finite.
    """
    description = read_description(folder)
    return _with_weights(Afformer(description.configuration), folder, description)


def load_matching_network(folder: Path) -> MatchingNetwork:
    """Load the matching network of a folder, in fp32 and evaluation mode.

    Raises:
        ModelFolderError: see `load_model`.
    """
    description = read_matching_description(folder)
    return _with_weights(MatchingNetwork(description.configuration), folder, description)


def _with_weights(network: Network, folder: Path, description: NetworkDescription) -> Network:
    path = checked_weights_path(folder, description)
    try:
        tensors = restored(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f'{path} cannot be read as safetensors: {error}') from error
    _check_matches(path, tensors, network.state_dict())
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


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
    digest = _write_weights(folder, model, dtype)
    write_description(
        folder, ModelDescription(model.configuration, digest, training, calibration, zoom_stages)
    )


def save_matching_network(
    folder: Path,
    network: MatchingNetwork,
    training: Mapping[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write the folder of a matching network (see `save_model`)."""
    digest = _write_weights(folder, network, dtype)
    write_matching_description(
        folder, MatchingDescription(network.configuration, digest, training)
    )


def _write_weights(folder: Path, network: nn.Module, dtype: torch.dtype) -> str:
    """Write the weights of a network, and return their hash."""
    content = save(stored(network.state_dict(), dtype))
    write_aside(folder / WEIGHTS_FILE, content)
    return hashlib.sha256(content).hexdigest()
