# SPDX-License-Identifier: Apache-2.0
"""The mean of models."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.reports.provenance import commit
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.model_folder import read_description, write_description
from afformer_core.runtime.presence import PresenceCalibration
from afformer_core.runtime.weights import load_model, save_model
from afformer_core.training.model_average import average_models

SMALL = replace(afformer_small(('press', 'hold'), (64, 64)), maximum_frames=2)


def model_of(value: float) -> Afformer:
    """All of whose weights are one number."""
    model = Afformer(SMALL)
    for tensor in model.state_dict().values():
        tensor.fill_(value)
    return model


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two models, whose weights are all 1 and all 3, stored in 16 bits."""
    for name, value in (('one', 1), ('three', 3)):
        save_model(tmp_path / name, model_of(value), {'by': name}, torch.float16)
    return [tmp_path / 'one', tmp_path / 'three']


def test_weights_are_the_mean(folders: list[Path], tmp_path: Path) -> None:
    average_models(folders, [0.25, 0.75], tmp_path / 'mean')

    values = load_model(tmp_path / 'mean').state_dict()
    numbers = [value for value in values.values() if value.is_floating_point()]
    assert len(numbers) > 100
    assert all(bool((value == 2.5).all()) for value in numbers)


def test_counters_stay_those_of_the_first(folders: list[Path], tmp_path: Path) -> None:
    average_models(folders, [0.25, 0.75], tmp_path / 'mean')

    values = load_model(tmp_path / 'mean').state_dict()
    counters = [value for value in values.values() if not value.is_floating_point()]
    assert counters
    assert all(int(value) == 1 for value in counters)


def test_weights_are_stored_as_in_the_first(folders: list[Path], tmp_path: Path) -> None:
    average_models(folders, [0.5, 0.5], tmp_path / 'mean')

    types = {value.dtype for value in load_file(tmp_path / 'mean' / 'model.safetensors').values()}
    assert types == {torch.float16, torch.int64}


def test_the_description_tells_of_what(folders: list[Path], tmp_path: Path) -> None:
    average_models(folders, [0.25, 0.75], tmp_path / 'mean')

    training = read_description(tmp_path / 'mean').training
    assert training['provenance']['commit'] == commit()
    parts = training['average_of']
    assert [(part['share'], part['training']) for part in parts] == [
        (0.25, {'by': 'one'}),
        (0.75, {'by': 'three'}),
    ]
    assert parts[1]['weights_sha256'] == read_description(folders[1]).weights_sha256
    told = read_description(tmp_path / 'mean').ingredients
    assert {each.origin.licence for each in told} == {'unknown'}


def test_it_zooms_as_the_first_does(folders: list[Path], tmp_path: Path) -> None:
    first = read_description(folders[0])
    calibration = PresenceCalibration(1.0, 2.0, -1.0, 0.5, 0.9, 40, 'v.json', first.weights_sha256)
    stages = (ZoomStage(1.5, 1.8),)
    write_description(folders[0], replace(first, calibration=calibration, zoom_stages=stages))

    average_models(folders, [0.25, 0.75], tmp_path / 'mean')

    mean = read_description(tmp_path / 'mean')
    assert (mean.zoom_stages, mean.calibration) == (stages, calibration)
    assert mean.valid_calibration is None


def test_other_architectures_have_no_mean(folders: list[Path], tmp_path: Path) -> None:
    other = replace(SMALL, action_names=('press', 'turn'))
    save_model(tmp_path / 'other', Afformer(other), {})

    with pytest.raises(ModelFolderError, match=r'other has another architecture than .*one;'):
        average_models([folders[0], tmp_path / 'other'], [0.5, 0.5], tmp_path / 'mean')
    assert not (tmp_path / 'mean').exists()


@pytest.mark.parametrize(
    ('shares', 'sentence'),
    [
        ([1.0], 'shares is 1; expected 2'),
        ([0.5, 0.6], 'the shares are 0.5, 0.6; expected numbers above 0 of sum 1'),
        ([-0.5, 1.5], 'the shares are -0.5, 1.5;'),
        ([float('nan'), 1.0], 'the shares are nan, 1;'),
    ],
)
def test_shares_must_make_a_mean(
    folders: list[Path], tmp_path: Path, shares: list[float], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        average_models(folders, shares, tmp_path / 'mean')


def test_one_model_has_no_mean(folders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='number of models is 1; expected at least 2'):
        average_models(folders[:1], [1.0], tmp_path / 'mean')


def test_a_model_is_never_replaced_by_the_mean(folders: list[Path]) -> None:
    with pytest.raises(ValueError, match='three is one of the models'):
        average_models(folders, [0.5, 0.5], folders[0].parent / '.' / 'three')
