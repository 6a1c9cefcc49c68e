# SPDX-License-Identifier: Apache-2.0
"""A small RGB-D bag, models with random weights, and a small disk."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from filelock import FileLock

from afformer_core.models import (
    AfformerConfiguration,
    MatchingConfiguration,
    afformer_r50,
    afformer_small,
    small_matching,
)
from afformer_core.models.afformer import Afformer
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.runtime.calibrations import MatchingSettings
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    read_description,
    read_matching_description,
    write_description,
)
from afformer_core.runtime.weights import save_matching_network, save_model
from afformer_sim.datasets.rgbd_bag import RgbdBagSettings, write_rgbd_bag


@pytest.fixture(scope='session')
def rgbd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `bag` (8 demonstration frames, 6 images of 160 x 120) and annotations."""
    folder = tmp_path_factory.mktemp('rgbd') / 'recording'
    settings = RgbdBagSettings(seed=7, size=(160, 120), seconds=0.2, demonstration_frames=8)
    list(write_rgbd_bag(folder, settings))
    return folder


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may be longer than 4096 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


ACTIONS = ('press', 'hold', 'push')


def random_model(configuration: AfformerConfiguration) -> Afformer:
    """A model whose relative positions matter, as after training."""
    torch.manual_seed(0)
    model = Afformer(configuration).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if 'rel_pos' in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return model


def random_matching_network(configuration: MatchingConfiguration) -> MatchingNetwork:
    """A matching network with random weights."""
    torch.manual_seed(0)
    return MatchingNetwork(configuration).eval().requires_grad_(False)


@pytest.fixture(scope='session')
def matched_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose matching network decides alone, with random weights; not exported."""
    folder = tmp_path_factory.mktemp('matched')
    save_model(folder, random_model(afformer_small(ACTIONS, (64, 96))), {})
    add_matching_network(folder, small_matching((128, 192)), 1 - 1e-6)
    return folder


def add_matching_network(
    folder: Path, configuration: MatchingConfiguration, even_confidence: float
) -> None:
    """Add a matching network with random weights to a model."""
    beside = folder / MATCHING_FOLDER
    save_matching_network(beside, random_matching_network(configuration), {})
    weights = read_matching_description(beside).weights_sha256
    matching = MatchingSettings(even_confidence, weights)
    write_description(folder, replace(read_description(folder), matching=matching))


def panel(seed: int, size: tuple[int, int] = (192, 128)) -> np.ndarray:
    """An image of (width, height) in which every point looks like no other."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC))


def exported_small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export EfficientNet-Lite0, two levels, one heatmap, at most 32 frames; return its folder."""
    configuration = replace(afformer_small(ACTIONS, (64, 96)), maximum_frames=32)
    return _exported_once(_folder_of_the_run(tmp_path_factory) / 'small', configuration)


small_folder = pytest.fixture(scope='session')(exported_small_model)


R50 = afformer_r50(ACTIONS, (64, 64))


@pytest.fixture(scope='session')
def r50_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ResNet-50, three levels, a heatmap for each action, exported."""
    return _exported_once(_folder_of_the_run(tmp_path_factory) / 'r50', R50)


@pytest.fixture(scope='session')
def unexported_r50_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without graphs."""
    folder = tmp_path_factory.mktemp('unexported_r50')
    save_model(folder, random_model(R50), {})
    return folder


def _folder_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder that all processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base


def _exported_once(folder: Path, configuration: AfformerConfiguration) -> Path:
    """Export a random model into a folder unless another process of this run has done so."""
    with FileLock(folder.with_suffix('.lock')):
        if not folder.is_dir():
            unfinished = folder.with_suffix('.unfinished')
            unfinished.mkdir()
            save_model(unfinished, random_model(configuration), {})
            export_graphs(unfinished)
            unfinished.rename(folder)
    return folder
