# SPDX-License-Identifier: Apache-2.0
"""Every configuration of a hand detector starts, learns and leaves a detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afformer_core.hands.detector_folder import read_detector_description
from afformer_core.offline.training.command import train

from .conftest import TRAINER, write_hands

CONFIGURATIONS = Path(__file__).parents[5] / 'config' / 'train' / 'hands'
FOLDER = 'VOCdevkit2007_handobj_100K/VOC2007'


def configurations() -> list[Any]:
    """They are too large for a quick test, which `test_module` is for the light one."""
    large = (pytest.mark.slow, pytest.mark.timeout(600))
    return [
        pytest.param(path, id=path.stem, marks=large)
        for path in sorted(CONFIGURATIONS.glob('*.yaml'))
    ]


@pytest.mark.parametrize('configuration', configurations())
def test_every_configuration(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hands(tmp_path / FOLDER)
    monkeypatch.chdir(tmp_path)
    train(
        [
            f'-c={configuration}',
            '--output=made',
            '--model.weights=random',
            '--data.batch_size=2',
            '--data.workers=0',
            '--trainer.precision=32',
            '--trainer.max_steps=1',
            '--trainer.val_check_interval=1',
            *TRAINER,
        ]
    )

    assert read_detector_description(tmp_path / 'made').training['step'] == 1
