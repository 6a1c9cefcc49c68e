# SPDX-License-Identifier: Apache-2.0
"""`afformer train` of a hand detector, from a YAML file to a folder that detects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from afformer_core.cli.main import main
from afformer_core.hands.detector_folder import read_detector_description
from afformer_core.hands.faster_rcnn_hands import FasterRcnnHands
from afformer_core.offline.training.command import task_name, train
from afformer_core.offline.training.hands.module import HandTraining

from ..conftest import TRAINER, learnt, power_cut

CONFIGURATIONS = Path(__file__).parents[5] / 'config' / 'train' / 'hands'
CONFIGURATION = CONFIGURATIONS / 'mobilenet.yaml'


def options(
    hands: Path, output: Path, *more: str, configuration: Path = CONFIGURATION
) -> list[str]:
    """A detector's configuration, of two images a step, without pre-trained weights."""
    return [
        f'-c={configuration}',
        '--model.weights=random',
        f'--data.train.folder={hands}',
        f'--data.validation.folder={hands}',
        '--data.workers=0',
        '--data.batch_size=2',
        '--trainer.precision=32',
        *TRAINER,
        f'--output={output}',
        *more,
    ]


@pytest.fixture(scope='module')
def trained(hands: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three steps, and a validation."""
    folder = tmp_path_factory.mktemp('trained')
    train(options(hands, folder, '--trainer.max_steps=3', '--trainer.val_check_interval=3'))
    return folder


def test_writes_a_detector_that_says_how_it_was_made(trained: Path) -> None:
    fields = json.loads((trained / 'detector.json').read_text())

    assert fields['architecture'] == 'fasterrcnn_mobilenet_v3_large_320_fpn'
    assert fields['training']['commands'][0].startswith('afformer train ')
    assert fields['training']['step'] == 3
    assert set(fields['training']['validation']) == {
        'hand',
        'hand_interaction',
        'hand_interaction_area',
        'interaction',
    }
    assert FasterRcnnHands.load(trained).interaction_score == fields['interaction_score']
    # Stored in half precision.
    assert (trained / 'detector.safetensors').stat().st_size < 40e6


def test_only_what_is_to_learn_changes(hands: Path, trained: Path, tmp_path: Path) -> None:
    before = HandTraining('fasterrcnn_mobilenet_v3_large_320_fpn', str(trained)).state_dict()
    steps = ('--trainer.max_steps=1', '--data.validation=null', f'--model.weights={trained}')
    frozen = '--model.optimization.frozen=[backbone.body.0]'
    train(options(hands, tmp_path, *steps, frozen))
    after = learnt(tmp_path)

    body = 'model.backbone.body'
    assert torch.equal(after[f'{body}.0.0.weight'], before[f'{body}.0.0.weight'])
    assert not torch.equal(after[f'{body}.16.0.weight'], before[f'{body}.16.0.weight'])
    # Batches of two would spoil the statistics of pre-training.
    statistics = f'{body}.16.1.running_mean'
    assert torch.equal(after[statistics], before[statistics])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize('path', sorted(CONFIGURATIONS.glob('*.yaml')), ids=lambda path: path.stem)
def test_every_configuration(
    path: Path, hands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its own folder of images."""
    (tmp_path / 'VOCdevkit2007_handobj_100K').mkdir()
    (tmp_path / 'VOCdevkit2007_handobj_100K/VOC2007').symlink_to(hands)
    monkeypatch.chdir(tmp_path)
    steps = ('--trainer.max_steps=1', '--trainer.val_check_interval=1')
    given = options(hands, tmp_path / 'made', *steps, configuration=path)
    train([option for option in given if '.folder=' not in option])
    assert read_detector_description(tmp_path / 'made').training['step'] == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_interrupted_and_resumed_equals_not_interrupted(hands: Path, tmp_path: Path) -> None:
    """Torchvision draws which proposals are learned from."""
    steps = ('--trainer.max_steps=4', '--checkpoint_steps=2', '--data.validation=null')
    train(options(hands, tmp_path / 'whole', *steps))
    with power_cut(HandTraining):
        train(options(hands, tmp_path / 'parts', *steps))
    # Whatever else was drawn in between.
    torch.rand(1)
    train(options(hands, tmp_path / 'parts', *steps))

    whole, parts = learnt(tmp_path / 'whole'), learnt(tmp_path / 'parts')
    differing = [name for name, tensor in whole.items() if not torch.equal(tensor, parts[name])]
    assert differing == []


@pytest.mark.parametrize(
    ('option', 'named'),
    [
        ('--model.architecture=ssd', "the hand detector is 'ssd'"),
        ('--model.weights=nowhere', 'detector.json does not exist'),
        ('--model.precision=0', 'precision is 0.0; expected above 0'),
        ('--data.train.split=val', 'val.txt'),
        ('--task=feet', "task is 'feet'; expected one of grounding, contact, hands"),
    ],
)
def test_bad_input_is_one_line(
    hands: Path, tmp_path: Path, option: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['train', *options(hands, tmp_path, option)]) == 1
    assert named in capsys.readouterr().err.splitlines()[-1]


def test_the_last_file_or_option_says_what_is_trained(tmp_path: Path) -> None:
    other = tmp_path / 'other.yaml'
    other.write_text('output: models/other\n')

    assert task_name(['--output', 'models/a']) == 'grounding'
    assert task_name(['-c', str(CONFIGURATION)]) == 'hands'
    assert task_name([f'--config={CONFIGURATION}', '-c', str(other)]) == 'hands'
    assert task_name([f'-c={CONFIGURATION}', '--task=grounding']) == 'grounding'
