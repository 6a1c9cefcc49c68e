# SPDX-License-Identifier: Apache-2.0
"""The architectures of the configurations on OPRA."""

from pathlib import Path

import pytest
import torch
import yaml

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.models.afformer import Afformer
from afformer_core.offline.training.architecture import Architecture

CONFIGURATIONS = Path(__file__).parents[5] / 'config' / 'train'


@pytest.mark.parametrize(
    ('name', 'parameters', 'levels', 'frames'),
    [
        ('opra/r50', 27_862_408, (16, 32, 64), 64),
        ('opra/r50_released', 27_861_390, (16, 32, 64), 32),
        ('opra/vitdet_b', 89_118_152, (16, 32, 64), 64),
        ('opra/vitdet_b_released', 106_899_406, (64,), 24),
    ],
)
def test_parameters_and_grids(
    name: str, parameters: int, levels: tuple[int, ...], frames: int
) -> None:
    configuration_file = yaml.safe_load((CONFIGURATIONS / f'{name}.yaml').read_text())
    configuration = Architecture(**configuration_file['model']['architecture']).configuration(
        OPRA_ACTIONS
    )
    with torch.device('meta'):
        model = Afformer(configuration)

    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert configuration.level_sizes == tuple((side, side) for side in levels)
    assert configuration.feature_size == (32, 32)
    assert configuration.heatmap_size == (256, 256)
    assert configuration.maximum_frames == frames


def test_an_unknown_preset() -> None:
    with pytest.raises(ValueError, match="preset is 'afformer_r18'"):
        Architecture('afformer_r18', (256, 256))
