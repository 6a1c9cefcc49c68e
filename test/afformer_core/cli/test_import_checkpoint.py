# SPDX-License-Identifier: Apache-2.0
"""`afformer import-checkpoint` from a file to a folder that grounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.cli.main import main
from afformer_core.files.provenance import machine
from afformer_core.models import afformer_r50
from afformer_core.models.afformer import Afformer
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.model_folder import read_description


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model as a Lightning checkpoint: three actions, 64 x 96, 6 frames."""
    small = replace(
        afformer_r50(('take', 'put', 'open'), (64, 96)),
        channels=32,
        head_channels=16,
        maximum_frames=6,
    )
    torch.manual_seed(0)
    state = {f'network.{name}': tensor for name, tensor in Afformer(small).state_dict().items()}
    path = tmp_path_factory.mktemp('checkpoint') / 'epic.ckpt'
    torch.save(
        {
            'state_dict': state,
            'epoch': 3,
            'global_step': 4000,
            'pytorch-lightning_version': '1.8.1',
        },
        path,
    )
    return path


def test_the_folder_grounds(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / 'model'
    arguments = [str(checkpoint), str(folder), '--actions', 'take, put,open']
    assert main(['import-checkpoint', *arguments]) == 0

    assert '96x64, 6 frames, actions take, put, open' in capsys.readouterr().out
    training = read_description(folder).training
    assert training['imported'] == 'epic.ckpt'
    assert (training['epoch'], training['global_step']) == (3, 4000)
    assert training['lightning'] == '1.8.1'
    assert training['provenance']['machine'] == machine()
    grounder = ArrayGrounder.load(folder, 'torch')
    grounder.set_demonstration([np.zeros((64, 96, 3), np.uint8)], 'demonstration')
    grounding = grounder.ground(np.zeros((48, 64, 3), np.uint8), 'demonstration')
    assert set(grounding.action_scores) == {'take', 'put', 'open'}


def test_actions_must_be_named(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['import-checkpoint', str(checkpoint), str(tmp_path / 'model')]) == 1
    assert 'scores 3 actions, but 7 names are given' in capsys.readouterr().err
    assert not (tmp_path / 'model').exists()
