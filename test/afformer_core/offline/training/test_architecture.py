# SPDX-License-Identifier: Apache-2.0
"""Architectures as YAML files name them."""

from pathlib import Path

import pytest
import torch
import yaml

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.models.afformer import Afformer
from afformer_core.offline.training.architecture import Architecture

CONFIGURATIONS = Path(__file__).parents[4] / 'config' / 'train'


@pytest.mark.parametrize(
    ('name', 'parameters'),
    [
        ('opra/r50', 27_862_408),
        ('opra/r50_released', 27_861_390),
        ('opra/vitdet_b', 89_118_152),
        ('opra/vitdet_b_released', 106_899_406),
    ],
)
def test_models_have_the_published_sizes(name: str, parameters: int) -> None:
    fields = yaml.safe_load((CONFIGURATIONS / f'{name}.yaml').read_text())['model']
    configuration = Architecture(**fields['architecture']).configuration(OPRA_ACTIONS)
    with torch.device('meta'):
        model = Afformer(configuration)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    with pytest.raises(ValueError, match="preset is 'afformer_r18'"):
        Architecture('afformer_r18', (256, 256))
