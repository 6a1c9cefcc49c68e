# SPDX-License-Identifier: Apache-2.0
"""The weights that training begins with."""

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from afformer_core.cli.main import main
from afformer_core.errors import ModelFolderError
from afformer_core.media.video import write_video
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.training.initial_weights import initial_model
from afformer_core.offline.training.module import Inheritance
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.model_folder import read_description, read_exemplars
from afformer_core.runtime.weights import save_model

from ...conftest import random_model
from .conftest import TRAINER

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


CONFIGURATIONS = Path(__file__).parents[4] / 'config' / 'train'
SHIPPED_ACTIONS = ('hold', 'touch', 'rotate', 'push', 'pull', 'pick up', 'put down')


@pytest.fixture(scope='module')
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One demonstration and one image; an action that the shipped model knows, and another."""
    folder = tmp_path_factory.mktemp('my_pairs')
    for name in ('demonstrations', 'images'):
        (folder / name).mkdir()
    frames = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)
    write_video(folder / 'demonstrations' / 'push.mp4', frames, 4.0)
    cv2.imwrite(str(folder / 'images' / 'panel.png'), frames[0])
    (folder / 'points.csv').write_text(
        'demonstration,image,action,x,y\npush.mp4,panel.png,push,20,30\n'
    )
    (folder / 'actions.txt').write_text('push\nslide\n')
    return folder


@pytest.fixture(scope='module')
def tuned(
    pairs: Path, shipped_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """Folder of the model after two steps, and what was said."""
    folder = tmp_path_factory.mktemp('tuned')
    (configuration,) = CONFIGURATIONS.rglob('own_pairs.yaml')
    options = [
        f'--model.initial={shipped_model}',
        f'--data.train.annotations={pairs}',
        '--data.batch_size=1',
        '--data.frames=uniform 2',
        '--data.workers=0',
        '--data.cache_folder=null',
        *TRAINER,
        '--trainer.precision=32',
        '--trainer.max_steps=2',
        f'--output={folder}',
    ]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(['train', '-c', str(configuration), *options]) == 0
    return folder, said.getvalue()


def test_zoom_stages_are_kept(tuned: tuple[Path, str], shipped_model: Path) -> None:
    stages = read_description(shipped_model).zoom_stages

    assert len(stages) == 2
    assert read_description(tuned[0]).zoom_stages == stages
    assert ArrayGrounder.load(tuned[0], 'torch').zoom_stages == stages


def test_the_matching_network_keeps_what_the_pair_marks(
    tuned: tuple[Path, str], shipped_model: Path
) -> None:
    shipped, exemplars = (
        read_exemplars(each, read_description(each)) for each in (shipped_model, tuned[0])
    )

    assert shipped is None
    assert exemplars is not None
    assert len(exemplars) == len(exemplars.marks) == 1


def test_presence_that_does_not_depend_on_the_decoder_is_kept(
    tuned: tuple[Path, str], shipped_model: Path
) -> None:
    tuned_model, shipped = read_description(tuned[0]), read_description(shipped_model)

    kept = tuned_model.valid_calibrations.presence
    assert shipped.calibration is not None
    own = tuned_model.all_weights_sha256
    assert kept == replace(shipped.calibration, weights_sha256=own)
    assert own != shipped.all_weights_sha256
    assert ArrayGrounder.load(tuned[0], 'torch').calibration_problem == ''


def test_what_is_kept_is_said(tuned: tuple[Path, str], shipped_model: Path) -> None:
    folder, said = tuned
    names = SHIPPED_ACTIONS

    line = said.splitlines()[0]
    assert line.startswith(f'begins with {shipped_model}: keeps the actions {", ".join(names)}; ')
    assert 'keeps the zoom stages (2); keeps presence and certainty where the matching' in line
    initial = json.loads((folder / 'model.json').read_text())['training']['initial']
    assert initial == {
        'folder': str(shipped_model),
        'weights_sha256': read_description(shipped_model).weights_sha256,
        'keeps': list(names),
        'drops': [],
        'begins_anew': [],
    }


@pytest.mark.parametrize(
    ('configuration', 'kept', 'new'),
    [
        (afformer_small(SHIPPED_ACTIONS[::-1]), SHIPPED_ACTIONS[::-1], ()),
        (replace(afformer_small(SHIPPED_ACTIONS), action_pooling='heatmap'), (), SHIPPED_ACTIONS),
        (afformer_small(()), (), ()),
    ],
    ids=['in another order', 'read elsewhere', 'without actions'],
)
def test_actions_are_kept_by_name_where_they_are_read_alike(
    configuration: AfformerConfiguration,
    kept: tuple[str, ...],
    new: tuple[str, ...],
    shipped_model: Path,
) -> None:
    found = Inheritance.of(shipped_model, configuration).actions
    assert (found['keeps'], found['begins anew']) == (kept, new)
    assert set(found['drops']) == set(SHIPPED_ACTIONS) - set(kept)
