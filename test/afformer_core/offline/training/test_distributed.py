# SPDX-License-Identifier: Apache-2.0
"""Two processes train and validate as one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from afformer_core.offline.training.command import train

from .conftest import images

pytestmark = pytest.mark.slow

STEPS = 20


@pytest.fixture(scope='module')
def runs(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of a training by one process, and of the same by two."""
    root = tmp_path_factory.mktemp('distributed')
    options = images(
        annotations,
        f'--trainer.max_steps={STEPS}',
        f'--trainer.val_check_interval={STEPS}',
        f'--checkpoint_steps={STEPS}',
        '--model.backbone_weights=imagenet',
        '--data.negative_targets=2',
        # Seven of eight, which two processes cannot share evenly.
        '--data.validation.share=0.9',
    )
    train([*options, f'--output={root}/one'])
    more = [f'--output={root}/two', '--trainer.devices=2', '--trainer.strategy=ddp']
    finished = subprocess.run(
        [sys.executable, '-m', 'afformer_core.cli.main', 'train', *options, *more],
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'GLOO_SOCKET_IFNAME': 'lo'},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return root / 'one', root / 'two'


def test_parameters_are_those_of_one_process(runs: tuple[Path, Path]) -> None:
    one, two = (
        torch.load(folder / 'checkpoints' / 'last.ckpt', weights_only=True) for folder in runs
    )
    furthest = {
        name: float((tensor - two['state_dict'][name]).abs().max())
        for name, tensor in one['state_dict'].items()
        if tensor.is_floating_point()
    }

    assert {name: far for name, far in furthest.items() if not far < 1e-5} == {}
    assert one['global_step'] == two['global_step'] == STEPS


def test_every_validation_sample_counts_once(runs: tuple[Path, Path]) -> None:
    one, two = (
        json.loads((folder / 'model.json').read_text())['training']['validation']
        for folder in runs
    )

    assert one == pytest.approx(two, abs=2e-4)
