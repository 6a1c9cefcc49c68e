# SPDX-License-Identifier: Apache-2.0
"""The shipped model, fine-tuned: what it keeps, what it drops, and that both are said."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.media.video import write_video
from afformer_core.models import afformer_small
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.training.module import Inheritance
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.model_folder import read_description, read_exemplars

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
        '--trainer.accelerator=cpu',
        '--trainer.precision=32',
        '--trainer.max_steps=2',
        '--trainer.enable_progress_bar=false',
        '--trainer.enable_model_summary=false',
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


def test_presence_is_not_told_by_a_calibration_of_other_weights(
    tuned: tuple[Path, str], shipped_model: Path
) -> None:
    tuned_model, shipped = read_description(tuned[0]), read_description(shipped_model)

    assert shipped.valid_calibrations.presence == shipped.calibration is not None
    assert tuned_model.calibration == shipped.calibration
    assert tuned_model.valid_calibrations.presence is None
    grounder = ArrayGrounder.load(tuned[0], 'torch')
    image = np.zeros((96, 96, 3), np.uint8)
    grounder.set_demonstration([image], 'push')
    assert grounder.ground(image, 'push').presence is None
    assert f'the calibration of {tuned[0]} belongs to the weights' in grounder.calibration_problem


def test_both_are_said(tuned: tuple[Path, str], shipped_model: Path) -> None:
    folder, said = tuned
    others = ('hold', 'touch', 'rotate', 'pull', 'pick up', 'put down')

    line = said.splitlines()[0]
    assert line.startswith(f'begins with {shipped_model}: keeps the actions push; drops the')
    assert f'drops the actions {", ".join(others)}; begins anew the actions slide; ' in line
    assert 'keeps the zoom stages (2); drops presence (its calibration belongs to' in line
    initial = json.loads((folder / 'model.json').read_text())['training']['initial']
    assert initial == {
        'folder': str(shipped_model),
        'weights_sha256': read_description(shipped_model).weights_sha256,
        'keeps': ['push'],
        'drops': list(others),
        'begins_anew': ['slide'],
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
