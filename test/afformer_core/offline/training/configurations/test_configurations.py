# SPDX-License-Identifier: Apache-2.0
"""Every configuration of config/train starts, learns for three steps and leaves a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from afformer_core.models import afformer_r50, afformer_small
from afformer_core.offline.training.command import train
from afformer_core.runtime.model_folder import read_network
from afformer_core.runtime.weights import save_model

from ....conftest import random_model
from ...data.manifest.conftest import assistq, epic_hotspot, own_pairs
from ...maskahand.mined_videos import write_mined
from ..conftest import TRAINER, write_contact, write_pairs
from .configurations import CONFIGURATIONS, OVERLAYS, changes, files_of_example, label

# Of the ViTDet models, whose weights fill a gigabyte with those of the optimizer.
SIDES = {'opra/vitdet_b': 128, 'opra/vitdet_b_released': 64}
# Where configurations have their indices of hands.
MINED = ('assistq/mined', 'epic/mined', 'mined', 'opra/mined', 'simulated_videos/mined')


@pytest.fixture(scope='module')
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every dataset at the path that the configurations name."""
    root = tmp_path_factory.mktemp('workspace')
    write_opra(root / 'opra')
    epic_hotspot(root / 'epic')
    assistq(root / 'assistq')
    (root / 'simulated_hands').mkdir()
    hands = write_pairs(root / 'simulated_hands', shortest=8)
    write_contact(hands, shortest=8)
    (root / 'simulated').mkdir()
    annotations = write_pairs(root / 'simulated', shortest=8)
    write_contact(annotations, shortest=8)
    annotations.with_name('validation.json').write_text(annotations.read_text())
    # What is simulated has OPRA's actions.
    annotations.with_name('actions.json').unlink()
    hands.with_name('actions.json').unlink()
    (root / 'simulated_more').symlink_to(root / 'simulated')
    own_pairs(root / 'my_pairs')
    small = random_model(afformer_small(('press',), (64, 64)))
    for name in ('sim_small', 'sim_tuned'):
        save_model(root / 'models' / name, small, {})
    save_model(root / 'models' / 'maskahand_opra', random_model(afformer_r50((), (64, 64))), {})
    actionless = random_model(afformer_small((), (64, 64)))
    for name in ('maskahand_sim', 'maskahand_sim_tuned'):
        save_model(root / 'models' / name, actionless, {})
    for mined in MINED:
        (root / mined).mkdir(parents=True)
        write_mined(root / mined)
    return root


def write_opra(root: Path) -> None:
    """Annotations in a folder beside the media."""
    root.mkdir()
    annotations = write_pairs(root).read_text()
    (root / 'annotations').mkdir()
    for split in ('train', 'test'):
        (root / 'annotations' / f'{split}.json').write_text(annotations)


def run(
    workspace: Path, folder: Path, side: int, *configurations: Path, options: Sequence[str] = ()
) -> None:
    """Three steps of small images on one CPU, whatever the configuration asks for."""
    files = [f'-c={path}' for path in configurations]
    small = [
        f'--model.architecture.input_size=[{side},{side}]',
        '--data.batch_size=2',
        '--data.workers=0',
        '--data.cache_folder=null',
        *TRAINER,
        '--trainer.precision=32',
        '--trainer.max_steps=3',
        '--checkpoint_steps=1000',
        f'--output={folder}',
    ]
    features = ('simulated/', 'maskahand/simulated', 'maskahand/folder')
    if label(configurations[0]).startswith(features):
        # The features are kept, or there are none.
        small.remove('--data.cache_folder=null')
    else:
        small.append('--model.backbone_weights=random')
    train([*files, *small, *options])
    assert read_network(folder).training['step'] == 3


def configurations() -> list[Any]:
    """Of each kind one is quick; the others go with the slow tests.

    Those of hand detectors have a test of their own, `hands/test_module.py`.
    """
    quick = ('own_pairs', 'simulated/ablation')
    return [
        pytest.param(path, id=label(path), marks=() if label(path) in quick else pytest.mark.slow)
        for path in sorted(set(CONFIGURATIONS.rglob('*.yaml')) - set(OVERLAYS))
        if path.parent.name != 'hands'
    ]


@pytest.mark.parametrize('configuration', configurations())
def test_every_configuration(
    configuration: Path, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    run(workspace, tmp_path, SIDES.get(label(configuration), 64), configuration)


@pytest.mark.slow
@pytest.mark.parametrize('overlay', OVERLAYS, ids=lambda path: label(path))
def test_every_overlay(
    overlay: Path, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    run(workspace, tmp_path, 64, *files_of_example(overlay))


@pytest.mark.parametrize('overlay', OVERLAYS, ids=lambda path: label(path))
def test_every_overlay_says_what_it_is_given_after(overlay: Path) -> None:
    first, *_, last = files_of_example(overlay)
    assert overlay in files_of_example(overlay)
    assert first.is_file()
    assert first not in OVERLAYS
    assert last in OVERLAYS


# Rows of the paper's tables that are the defaults.
UNCHANGED = (
    'ablations/equation_8/residual_of_image_and_decoding',
    'ablations/table_4c/strides_1_2_4',
    'ablations/table_5b/distortion_0.5',
    'ablations/table_8/random',
)


@pytest.mark.parametrize('overlay', OVERLAYS, ids=lambda path: label(path))
def test_every_overlay_changes_what_it_is_given_after(overlay: Path) -> None:
    assert bool(changes(overlay)) == (label(overlay) not in UNCHANGED)


@pytest.mark.slow
def test_the_naive_baseline_is_pre_trained_and_fine_tuned(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    baseline = CONFIGURATIONS / 'ablations/table_1/resnet50_deconv.yaml'
    pretrained, tuned = tmp_path / 'pretrained', tmp_path / 'tuned'
    run(workspace, pretrained, 64, CONFIGURATIONS / 'maskahand/opra.yaml', baseline)
    initial = [f'--model.initial={pretrained}']
    whole = CONFIGURATIONS / 'opra/r50_finetune.yaml'
    run(workspace, tuned, 64, whole, baseline, options=initial)
