# SPDX-License-Identifier: Apache-2.0
"""Pre-training by the command: on images and on features, and what comes after it."""

from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from afformer_core.cli.main import main
from afformer_core.errors import DatasetError
from afformer_core.offline.data.augmentation.augmentation import ImageSettings
from afformer_core.offline.data.augmentation.geometric import PerspectiveSettings
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.pretraining.pretraining_data import MaskAHandData
from afformer_core.offline.maskahand.pretraining.synthesis import SynthesisSettings
from afformer_core.offline.training.command import train
from afformer_core.offline.training.datasets.batch import Batch
from afformer_core.offline.training.datasets.batched_data import AnnotationSource
from afformer_core.offline.training.module import GroundingTraining
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.model_folder import read_description

from ..training.conftest import MODEL, TRAINER, images, write_pairs
from .mined_videos import write_mined

PRETRAINING = 'afformer_core.offline.maskahand.pretraining'
SHORT_TRAINING = [
    '--data.frames=4',
    '--data.batch_size=2',
    '--data.workers=0',
    '--data.targets=2',
    '--model.loss.actions=none',
    '--trainer.max_steps=4',
    *MODEL,
    *TRAINER,
]


@pytest.fixture(scope='module')
def mined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mined(tmp_path_factory.mktemp('mined'))


@pytest.fixture(scope='module')
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp('pairs'), shortest=4)


def on_clips(mined: Path, *more: str) -> list[str]:
    data = f'--data={PRETRAINING}.pretraining_data.MaskAHandData'
    return [data, f'--data.index={mined}', *SHORT_TRAINING, *more]


def with_features(mined: Path, cache: Path, *more: str) -> list[str]:
    return on_clips(mined, '--data.features=true', f'--data.cache_folder={cache}', *more)


@pytest.fixture(scope='module')
def pretrained(mined: Path, annotated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained on features for four steps, and validated."""
    folder = tmp_path_factory.mktemp('pretrained')
    validation = f'--data.validation.annotations={annotated}'
    train(
        with_features(
            mined, folder / 'cache', validation, '--trainer.val_check_interval=4',
            f'--output={folder / "model"}',
        )
    )  # fmt: skip
    return folder / 'model'


def test_the_model_scores_no_actions_and_is_validated_without(pretrained: Path) -> None:
    description = read_description(pretrained)
    assert description.configuration.action_names == ()
    validation = description.training['validation']
    assert set(validation) == {'kld', 'sim', 'auc_j'}
    assert 0 < validation['kld'] < 10
    assert not any('actioner' in name for name in load_file(pretrained / 'model.safetensors'))


def last_weights(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / 'checkpoints' / 'last.ckpt', weights_only=True)
    return dict(state['state_dict'])


def test_interrupted_and_resumed_equals_not_interrupted(
    mined: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def options(name: str) -> list[str]:
        more = '--checkpoint_steps=2', f'--output={tmp_path / name}'
        return with_features(mined, tmp_path / 'cache', *more)

    train(options('whole'))
    take_step = GroundingTraining.training_step

    def fail_at_three(self: GroundingTraining, batch: Batch, index: int) -> torch.Tensor:
        if self.global_step == 3:
            raise OSError('the power failed')
        return take_step(self, batch, index)

    monkeypatch.setattr(GroundingTraining, 'training_step', fail_at_three)
    with pytest.raises(OSError, match='power'):
        train(options('parts'))
    monkeypatch.undo()
    train(options('parts'))

    whole, parts = last_weights(tmp_path / 'whole'), last_weights(tmp_path / 'parts')
    assert [name for name in whole if not torch.equal(whole[name], parts[name])] == []


def test_it_is_evaluated_as_it_is(
    pretrained: Path, annotated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ['evaluate', str(pretrained), '--annotations', str(annotated)]
    assert main([*command, '--backend', 'torch']) == 0
    assert '| model' in capsys.readouterr().out


def test_it_grounds_without_naming_an_action(pretrained: Path) -> None:
    grounder = ArrayGrounder.load(pretrained, 'torch')
    frames = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    grounder.set_demonstration(frames, 'press')
    grounding = grounder.ground(frames[0], 'press')

    assert grounding.action_scores == {}
    assert grounding.action == ''
    assert grounding.peaks


def test_it_is_fine_tuned_with_actions(pretrained: Path, annotated: Path, tmp_path: Path) -> None:
    train(
        images(
            annotated, f'--model.initial={pretrained}', '--trainer.max_steps=1',
            f'--output={tmp_path / "tuned"}', '--model.optimization.learning_rate=1e-9',
        )
    )  # fmt: skip
    before, after = (
        load_file(folder / 'model.safetensors') for folder in (pretrained, tmp_path / 'tuned')
    )
    assert read_description(tmp_path / 'tuned').configuration.action_names == ('press', 'hold')
    assert all(torch.allclose(after[name], tensor, atol=1e-6) for name, tensor in before.items())
    assert any('actioner' in name for name in after)


def test_a_broken_validation_is_told_before_training(mined: Path, tmp_path: Path) -> None:
    annotated = write_pairs(tmp_path, shortest=4)
    (tmp_path / '0_0.png').unlink()
    once = '--trainer.max_steps=1', '--trainer.val_check_interval=1'
    validation = f'--data.validation.annotations={annotated}'
    options = on_clips(mined, validation, *once, f'--output={tmp_path / "model"}')
    with pytest.raises(DatasetError, match=r'data\.validation\.skip_broken'):
        train(options)
    train([*options, '--data.validation.skip_broken=true'])
    assert read_description(tmp_path / 'model').training['validation']['kld'] > 0


def test_a_video_that_is_gone_is_named(tmp_path: Path) -> None:
    mined = write_mined(tmp_path)
    (tmp_path / '1.mp4').unlink()
    with pytest.raises(DatasetError, match=r'1\.mp4.*[Mm]ine again'):
        train(on_clips(mined, f'--output={tmp_path / "model"}'))


def test_annotations_that_are_missing_are_told_ahead_of_the_index(tmp_path: Path) -> None:
    validation = AnnotationSource(tmp_path / 'nowhere.json')
    with pytest.raises(
        DatasetError, match=r'nowhere\.json does not exist; expected an annotation file'
    ):
        MaskAHandData(tmp_path / 'no_index.json', validation)


CHANGES = ImageSettings(perspective=PerspectiveSettings(distortion=0.5))


def test_settings_arrive_where_examples_are_made(mined: Path, tmp_path: Path) -> None:
    synthesis, module = SynthesisSettings(hand_free_share=0.3), f'{PRETRAINING}.pretraining_data'
    given = (mined, None, (32, 48), 5, synthesis, 2, 4, 40, 6, 0, tmp_path)
    with (
        mock.patch(f'{module}.PretrainingDataset') as dataset,
        mock.patch(f'{module}.StreamedSampler') as sampler,
    ):
        data = MaskAHandData(*given, video=CHANGES, seed=7)
    images = ClipImages((32, 48), 5, 40, tmp_path, 12.5)
    dataset.assert_called_once_with(data.clips, images, synthesis, 2, CHANGES)
    sampler.assert_called_once_with(3, 6, 7)
    assert [len(clip.interactions) for clip in data.clips] == [4] * 3


@pytest.mark.parametrize('options', [{}, {'cache_folder': Path('cache'), 'video': CHANGES}])
def test_features_need_a_folder_and_clips_as_they_are(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match='expected a cache_folder, and a video without changes'):
        MaskAHandData('no_index.json', features=True, **options)
