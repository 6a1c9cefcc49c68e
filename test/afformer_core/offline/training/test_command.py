# SPDX-License-Identifier: Apache-2.0
"""`afformer train` from options to a model folder."""

import json
import re
import warnings
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
import yaml

from afformer_core.offline.training.command import train
from afformer_core.offline.training.module import GroundingTraining
from afformer_core.runtime.weights import load_model

from .conftest import images, learnt, power_cut


@pytest.fixture(scope='module')
def trained(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten steps, with a validation and a checkpoint every five."""
    folder = tmp_path_factory.mktemp('trained')
    train(
        images(
            annotations,
            f'--output={folder}',
            '--trainer.max_steps=10',
            '--trainer.val_check_interval=5',
            '--checkpoint_steps=5',
        )
    )
    return folder


def test_writes_a_model_that_loads(trained: Path) -> None:
    model = load_model(trained)

    assert model.configuration.action_names == ('press', 'hold')
    assert model.configuration.input_size == (64, 64)


def test_the_model_says_how_it_was_made(trained: Path) -> None:
    training = json.loads((trained / 'model.json').read_text())['training']

    assert training['commands'][0].startswith('afformer train ')
    assert training['step'] in (5, 10)
    assert set(training['validation']) == {'kld', 'sim', 'auc_j', 'top_1'}
    made = training['provenance']
    assert made['seed'] == 0
    assert made['packages']['torch'] == version('torch')
    assert re.fullmatch(r'[0-9a-f]{12}\+?', made['commit'])
    (sha256,) = made['data'].values()
    assert re.fullmatch(r'[0-9a-f]{64}', sha256)


def test_the_whole_configuration_is_beside_the_weights(trained: Path) -> None:
    configuration = yaml.safe_load((trained / 'config.yaml').read_text())

    assert configuration['trainer']['max_steps'] == 10
    assert configuration['model']['loss']['actions'] == 'cross_entropy'
    assert configuration['model']['architecture']['input_size'] == [64, 64]


def test_curves_are_in_tensorboard(trained: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / 'tensorboard')).Reload()

    assert {'train/kld', 'validation/kld', 'validation/top_1'} <= set(events.Tags()['scalars'])
    # Of a cosine from 1e-3 over ten steps, at the first and at the last.
    rates = [point.value for point in events.Scalars('learning_rate')]
    assert (rates[0], rates[-1]) == pytest.approx((1e-3, 2.44717e-5), rel=1e-5)
    assert [point.step for point in events.Scalars('validation/kld')] == [4, 9]


@pytest.mark.parametrize('validates', [True, False])
def test_an_ordinary_run_is_not_warned_of(
    annotations: Path, tmp_path: Path, validates: bool
) -> None:
    options = [
        '--trainer.max_steps=2',
        '--trainer.precision=bf16-mixed',
        '--trainer.enable_model_summary=true',
        *([] if validates else ['--data.validation=null']),
    ]
    given = [each for each in images(annotations) if 'validation.' not in each or validates]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        train([*given, f'--output={tmp_path}', *options])
    assert (tmp_path / 'model.json').is_file()


def test_learns_and_leaves_the_backbone_alone(annotations: Path, tmp_path: Path) -> None:
    before = checkpoint_after(annotations, tmp_path / 'one', 1)
    after = checkpoint_after(annotations, tmp_path / 'many', 12)
    kld = json.loads((tmp_path / 'many' / 'model.json').read_text())['training']['validation']
    first = json.loads((tmp_path / 'one' / 'model.json').read_text())['training']['validation']
    name = 'model.encoder.backbone_with_fpn.body.conv_stem.weight'

    assert kld['kld'] < first['kld'] - 0.5
    assert torch.equal(before[name], after[name])


def checkpoint_after(annotations: Path, folder: Path, steps: int) -> dict[str, torch.Tensor]:
    train(
        images(
            annotations,
            f'--output={folder}',
            f'--trainer.max_steps={steps}',
            f'--trainer.val_check_interval={steps}',
            f'--checkpoint_steps={steps}',
            '--model.backbone_weights=imagenet',
        )
    )
    return learnt(folder)


@pytest.mark.slow
def test_more_steps_have_the_rates_of_the_longer_schedule(
    annotations: Path, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = images(annotations, f'--output={tmp_path}')
    train([*options, '--trainer.max_steps=4'])
    train([*options, '--trainer.max_steps=8'])

    points = EventAccumulator(str(tmp_path / 'tensorboard')).Reload().Scalars('learning_rate')
    # Quarters of the short cosine to its end, then the last three eighths of the long one.
    expected = [1.0, 0.853553, 0.5, 0.146447, 0.0, 0.308658, 0.146447, 0.0380602]
    assert [point.step for point in points] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [1e3 * point.value for point in points] == pytest.approx(expected, rel=1e-5)


def scripted(monkeypatch: pytest.MonkeyPatch, *klds: float | Exception) -> None:
    """What the validations find, one after another."""
    found = iter(klds)

    def means(scores: object) -> dict[str, float]:
        kld = next(found)
        if isinstance(kld, Exception):
            raise kld
        return dict.fromkeys(('sim', 'auc_j', 'top_1'), 0.5) | {'kld': kld}

    monkeypatch.setattr('afformer_core.offline.training.module.weighted_means', means)


@pytest.mark.slow
def test_the_last_step_is_validated_whatever_the_interval(
    annotations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, 2.0, 1.0)
    steps = '--trainer.max_steps=5', '--trainer.val_check_interval=3'
    train(images(annotations, f'--output={tmp_path}', *steps))

    training = json.loads((tmp_path / 'model.json').read_text())['training']
    assert (training['step'], training['validation']['kld']) == (5, 1.0)


@pytest.mark.slow
def test_a_last_validation_that_failed_is_made_up_for(
    annotations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, OSError('the power failed'), 1.0)
    steps = '--trainer.max_steps=4', '--trainer.val_check_interval=4', '--checkpoint_steps=2'
    options = images(annotations, f'--output={tmp_path}', *steps)
    with pytest.raises(OSError, match='power'):
        train(options)
    train(options)

    assert json.loads((tmp_path / 'model.json').read_text())['training']['step'] == 4


@pytest.mark.slow
def test_what_validation_found_survives_the_next_step(
    annotations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best model is not replaced by a worse one after a power cut."""
    scripted(monkeypatch, 1.0, 2.0, 3.0)
    options = images(
        annotations,
        f'--output={tmp_path}',
        '--trainer.max_steps=6',
        '--trainer.val_check_interval=2',
        '--checkpoint_steps=2',
    )
    with power_cut(GroundingTraining):
        train(options)
    train(options)

    training = json.loads((tmp_path / 'model.json').read_text())['training']
    assert (training['step'], training['validation']['kld']) == (2, 1.0)
