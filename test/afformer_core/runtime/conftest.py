# SPDX-License-Identifier: Apache-2.0
"""A small model with random weights, saved and exported once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.models import AfformerConfiguration, afformer_r50, afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.runtime.export import export_graphs
from afformer_core.runtime.weights import save_model

ACTIONS = ('press', 'hold', 'push')


def random_model(configuration: AfformerConfiguration) -> Afformer:
    torch.manual_seed(0)
    model = Afformer(configuration).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if 'rel_pos' in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return model


@pytest.fixture(scope='session')
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EfficientNet-Lite0, two levels, one heatmap, at most 32 frames, exported."""
    folder = tmp_path_factory.mktemp('small')
    configuration = replace(afformer_small(ACTIONS, (64, 96)), maximum_frames=32)
    save_model(folder, random_model(configuration), {})
    export_graphs(folder)
    return folder


@pytest.fixture(scope='session')
def r50_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ResNet-50, three levels, a heatmap for each action, exported."""
    folder = tmp_path_factory.mktemp('r50')
    save_model(folder, random_model(afformer_r50(ACTIONS, (64, 64))), {})
    export_graphs(folder)
    return folder


@pytest.fixture(scope='session', params=['small', 'r50'])
def model_folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(f'{request.param}_folder')


@pytest.fixture
def copied_folder(small_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small model's folder that a test may damage."""
    folder = tmp_path / 'model'
    folder.mkdir()
    for path in small_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope='session')
def pictures() -> Callable[..., np.ndarray]:
    """Makes uint8 noise of a shape, the same for the same shape."""

    def make(*shape: int) -> np.ndarray:
        return np.random.default_rng(7).integers(0, 256, shape, np.uint8)

    return make
