# SPDX-License-Identifier: Apache-2.0
"""The weights that training begins with."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.offline.training.initial_weights import initial_model
from afformer_core.runtime.weights import save_model

from ...conftest import random_model

SMALL = replace(afformer_small(('press', 'hold'), (64, 64)), maximum_frames=2)
HEATMAPS = 'predictor.upsampler.3.weight'
ACTIONS = 'predictor.actioner.score.weight'
READING = 'predictor.actioner.frame.weight'


@pytest.fixture(scope='module')
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Afformer]:
    """A model folder, and its model."""
    folder = tmp_path_factory.mktemp('given')
    model = random_model(SMALL)
    save_model(folder, model, {})
    return folder, model


def test_the_same_architecture_gets_every_weight(given: tuple[Path, Afformer]) -> None:
    folder, model = given
    found = initial_model(SMALL, 'random', folder).state_dict()

    assert all(torch.equal(found[name], tensor) for name, tensor in model.state_dict().items())


def test_another_size_gets_resampled_positions(given: tuple[Path, Afformer]) -> None:
    folder, model = given
    larger = initial_model(replace(SMALL, input_size=(128, 128)), 'random', folder)
    name = 'self2d_cross3d_block.self_attn.rel_pos_h'
    before, after = (each.decoder.state_dict()[name] for each in (model, larger))

    assert (len(before), len(after)) == (31, 63)
    torch.testing.assert_close(after[31], before[15])


def test_actions_keep_what_scores_them_by_name(given: tuple[Path, Afformer]) -> None:
    folder, model = given
    other = replace(SMALL, action_names=('turn', 'hold', 'pull'))
    found = initial_model(other, 'random', folder).state_dict()

    before, after = model.state_dict()[ACTIONS], found[ACTIONS]
    assert after.shape[0] == 3
    assert torch.equal(after[1], before[1])
    assert not any(torch.equal(after[new], old) for new in (0, 2) for old in before)
    bias = ACTIONS.replace('weight', 'bias')
    assert found[bias][1] == model.state_dict()[bias][1]
    assert torch.equal(found[HEATMAPS], model.state_dict()[HEATMAPS])
    assert torch.equal(found[READING], model.state_dict()[READING])


def test_actions_keep_their_heatmaps_by_name(tmp_path: Path) -> None:
    each = replace(SMALL, heatmap_per_action=True, action_pooling='mean')
    model = random_model(each)
    save_model(tmp_path, model, {})
    other = replace(each, action_names=('hold', 'turn'))
    found = initial_model(other, 'random', tmp_path).state_dict()

    before, after = model.state_dict()[HEATMAPS], found[HEATMAPS]
    assert torch.equal(after[:, 0], before[:, 1])
    assert not any(torch.equal(after[:, 1], before[:, old]) for old in (0, 1))
    bias = HEATMAPS.replace('weight', 'bias')
    assert found[bias][0] == model.state_dict()[bias][1]


def test_heads_that_read_actions_elsewhere_begin_anew(given: tuple[Path, Afformer]) -> None:
    folder, model = given
    found = initial_model(replace(SMALL, action_pooling='heatmap'), 'random', folder).state_dict()

    assert READING not in found
    assert found['predictor.actioner.5.weight'].shape == (2, 48)
    assert torch.equal(found[HEATMAPS], model.state_dict()[HEATMAPS])


def test_a_model_without_actions_gets_all_but_their_heads(given: tuple[Path, Afformer]) -> None:
    folder, model = given
    found = initial_model(replace(SMALL, action_names=()), 'random', folder).state_dict()
    expected = {name for name in model.state_dict() if not name.startswith('predictor.actioner.')}

    assert set(found) == expected
    assert all(torch.equal(found[name], model.state_dict()[name]) for name in expected)


def test_every_action_begins_with_the_single_heatmap(given: tuple[Path, Afformer]) -> None:
    folder, model = given
    each = replace(SMALL, heatmap_per_action=True, action_pooling='mean')
    found = initial_model(each, 'random', folder).state_dict()[HEATMAPS]

    assert found.shape[1] == 2
    for action in range(2):
        assert torch.equal(found[:, action : action + 1], model.state_dict()[HEATMAPS])


@pytest.mark.parametrize(
    'other',
    [
        replace(SMALL, image_levels=('p4',), temporal_strides=(1,)),
        replace(SMALL, video_projection='separate'),
    ],
    ids=['fewer levels', 'another projection'],
)
def test_another_architecture_is_refused(other: object, given: tuple[Path, Afformer]) -> None:
    with pytest.raises(ModelFolderError, match='has another architecture'):
        initial_model(other, 'random', given[0])
