# SPDX-License-Identifier: Apache-2.0
"""One model of several that one training led to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from afformer_core.errors import ModelFolderError
from afformer_core.models.afformer import Afformer
from afformer_core.runtime.model_folder import WEIGHTS_FILE, read_description
from afformer_core.runtime.weights import load_model, save_model


def average_models(folders: Sequence[Path], shares: Sequence[float], output: Path) -> Afformer:
    """Write the model whose weights are the mean of those of others.

    Models that began with the same weights, or of which one began with those of another, often
    lie in one valley of the loss, and what lies between them is then better than each of them at
    what none of them was stopped at the best moment for (model soups, Wortsman et al. 2022). Of
    models that were trained apart from the start, the mean is of no use.

    Zoom stages are those of the first. So is the calibration, which is of its scores: presence is
    unknown until the mean is calibrated.

    Args:
        folders: of models of the same architecture, at least two.
        shares: of each in the mean; above 0, with a sum of 1.
        output: folder that is written; none of the others. Weights are stored as in the first.

    Raises:
        ModelFolderError: a folder holds no sound model, or their architectures differ.
        ValueError: fewer than two models, other shares, or the output is one of the models.
    """
    _check(folders, shares, output)
    models = [load_model(folder) for folder in folders]
    for folder, model in zip(folders, models, strict=True):
        if model.configuration != models[0].configuration:
            raise ModelFolderError(
                f'{folder} is of another architecture than {folders[0]}; only models of the same '
                'have a mean'
            )
    mean = models[0]
    mean.load_state_dict(_mean([model.state_dict() for model in models], shares))
    training = {'average_of': [_part(*each) for each in zip(folders, shares, strict=True)]}
    first = read_description(folders[0])
    stored = _stored_type(folders[0])
    save_model(output, mean, training, stored, first.calibration, first.zoom_stages)
    return mean


def _check(folders: Sequence[Path], shares: Sequence[float], output: Path) -> None:
    if len(folders) < 2:
        raise ValueError(f'got {len(folders)} model; a mean needs at least two')
    if len(shares) != len(folders):
        raise ValueError(
            f'got {len(shares)} shares of {len(folders)} models; give one for each, in their order'
        )
    if not (all(share > 0 for share in shares) and math.isclose(sum(shares), 1, abs_tol=1e-6)):
        raise ValueError(
            f'the shares are {", ".join(f"{share:g}" for share in shares)}; each must be above 0 '
            'and their sum 1'
        )
    if output.resolve() in [folder.resolve() for folder in folders]:
        raise ValueError(f'{output} is one of the models; name another folder for their mean')


def _mean(
    states: Sequence[dict[str, torch.Tensor]], shares: Sequence[float]
) -> dict[str, torch.Tensor]:
    """Of what is a number; counters stay those of the first."""
    mean = dict(states[0])
    for name, tensor in states[0].items():
        if tensor.is_floating_point():
            parts = [share * state[name] for share, state in zip(shares, states, strict=True)]
            mean[name] = torch.stack(parts).sum(dim=0)
    return mean


def _part(folder: Path, share: float) -> dict[str, Any]:
    """What one of the models was, for the description of the mean."""
    description = read_description(folder)
    return {
        'share': share,
        'weights_sha256': description.weights_sha256,
        'training': dict(description.training),
    }


def _stored_type(folder: Path) -> torch.dtype:
    with safe_open(folder / WEIGHTS_FILE, framework='pt') as file:
        types = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    return next(each for each in types if each.is_floating_point)
