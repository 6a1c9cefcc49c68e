# SPDX-License-Identifier: Apache-2.0
"""Averaging of models from related trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from afformer_core.errors import ModelFolderError
from afformer_core.licences import merged
from afformer_core.models.afformer import Afformer
from afformer_core.reports.provenance import provenance
from afformer_core.runtime.model_folder import (
    WEIGHTS_FILE,
    copy_matching,
    model_ingredients,
    read_description,
)
from afformer_core.runtime.weights import load_model, save_model


def average_models(folders: Sequence[Path], shares: Sequence[float], output: Path) -> Afformer:
    """Write the model whose weights are the mean of those of other models.

    Models with the same initial weights, or of which one was initialized with another, often lie
    in the same basin of the loss, and their mean is then better than each of them (model soups,
    Wortsman et al. 2022). The mean of models that were trained independently is useless. Zoom
    stages and calibration are those of the first model; the calibration belongs to its weights, so
    that presence is unknown until the mean is calibrated.

    Args:
        folders: folders of models of the same architecture, at least two.
        shares: share of each model in the mean; above 0, with a sum of 1.
        output: folder to write, different from the others. Weights are stored as in the first.

    Raises:
        ModelFolderError: a folder does not contain a valid model, or their architectures differ.
        ValueError: there are fewer than two models, the shares are wrong, or the output is a
            model.
    """
    _check(folders, shares, output)
    models = [load_model(folder) for folder in folders]
    for folder, model in zip(folders, models, strict=True):
        if model.configuration != models[0].configuration:
            raise ModelFolderError(
                f'{folder} has another architecture than {folders[0]}; expected the same to '
                'compute a mean'
            )
    mean = models[0]
    mean.load_state_dict(_mean([model.state_dict() for model in models], shares))
    ingredients = merged(
        ingredient for folder in folders for ingredient in model_ingredients(folder)
    )
    training = {
        'average_of': [
            _part(*folder_and_share) for folder_and_share in zip(folders, shares, strict=True)
        ],
        'trained_on': [ingredient.to_json() for ingredient in ingredients],
        'provenance': provenance(),
    }
    first = read_description(folders[0])
    stored = _stored_type(folders[0])
    save_model(output, mean, training, stored, first.calibration, first.zoom_stages)
    copy_matching(folders[0], output)
    return mean


def _check(folders: Sequence[Path], shares: Sequence[float], output: Path) -> None:
    if len(folders) < 2:
        raise ValueError(f'the number of models is {len(folders)}; expected at least 2')
    if len(shares) != len(folders):
        raise ValueError(
            f'the number of shares is {len(shares)}; expected {len(folders)}, one for each model '
            'in their order'
        )
    if not (all(share > 0 for share in shares) and math.isclose(sum(shares), 1, abs_tol=1e-6)):
        raise ValueError(
            f'the shares are {", ".join(f"{share:g}" for share in shares)}; expected numbers '
            'above 0 of sum 1'
        )
    if output.resolve() in [folder.resolve() for folder in folders]:
        raise ValueError(f'{output} is one of the models. Name another folder for their mean')


def _mean(
    states: Sequence[dict[str, torch.Tensor]], shares: Sequence[float]
) -> dict[str, torch.Tensor]:
    """Average floating-point tensors; counters are those of the first model."""
    mean = dict(states[0])
    for name, tensor in states[0].items():
        if tensor.is_floating_point():
            parts = [share * state[name] for share, state in zip(shares, states, strict=True)]
            mean[name] = torch.stack(parts).sum(dim=0)
    return mean


def _part(folder: Path, share: float) -> dict[str, Any]:
    """Describe one of the models, for the description of the mean."""
    description = read_description(folder)
    return {
        'share': share,
        'weights_sha256': description.weights_sha256,
        'training': dict(description.training),
    }


def _stored_type(folder: Path) -> torch.dtype:
    with safe_open(folder / WEIGHTS_FILE, framework='pt') as file:
        types: set[torch.dtype] = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    return next(dtype for dtype in types if dtype.is_floating_point)
