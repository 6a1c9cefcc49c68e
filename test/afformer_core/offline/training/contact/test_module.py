# SPDX-License-Identifier: Apache-2.0
"""The training of a contact head: what it changes, what it measures, and what it refuses."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from afformer_core.errors import ModelFolderError
from afformer_core.models import small_matching
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.offline.training.command import train
from afformer_core.offline.training.contact.module import ContactTraining, MatchingArchitecture
from afformer_core.offline.training.model_training import Optimization
from afformer_core.runtime.model_folder import read_matching_description
from afformer_core.runtime.weights import load_matching_network, save_matching_network

from ....conftest import random_matching_network
from ..conftest import TRAINER, write_contact, write_pairs

ARCHITECTURE = MatchingArchitecture('efficientnet_lite0', (64, 96), 4, 64)


@pytest.fixture(scope='module')
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pairs of clips of four frames or more, of which four are used."""
    path = write_pairs(tmp_path_factory.mktemp('pairs'), shortest=4)
    write_contact(path, shortest=4)
    return path


@pytest.fixture(scope='module')
def initial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('initial')
    save_matching_network(folder, random_matching_network(small_matching((64, 96))), {})
    return folder


def options(annotations: Path, initial: Path, output: Path, steps: int) -> list[str]:
    return [
        '--task=contact',
        '--data=afformer_core.offline.training.datasets.feature_data.FeatureData',
        f'--data.train.annotations={annotations}',
        f'--data.validation.annotations={annotations}',
        f'--data.cache_folder={output / "features"}',
        '--data.frames=4',
        '--data.batch_size=4',
        '--data.targets=1',
        '--model.architecture.backbone=efficientnet_lite0',
        '--model.architecture.input_size=[64,96]',
        '--model.architecture.maximum_frames=4',
        '--model.architecture.contact_channels=64',
        '--model.optimization.learning_rate=3e-3',
        f'--model.initial={initial}',
        *TRAINER,
        f'--trainer.max_steps={steps}',
        f'--output={output}',
    ]


def weights(folder: Path) -> dict[str, Tensor]:
    return load_matching_network(folder).state_dict()


def test_only_the_head_changes_and_what_it_finds_is_written(
    annotations: Path, initial: Path, tmp_path: Path
) -> None:
    train(options(annotations, initial, tmp_path, 40))

    before, after = weights(initial), weights(tmp_path)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith('contact.') for name in changed)
    description = read_matching_description(tmp_path)
    assert description.configuration == ARCHITECTURE.configuration()
    assert description.training['validation'] == {'contact': pytest.approx(1.0)}
    assert description.training['initial'] == {
        'folder': str(initial),
        'weights_sha256': read_matching_description(initial).weights_sha256,
    }


def test_data_that_do_not_tell_the_contact_are_refused(initial: Path, tmp_path: Path) -> None:
    pairs = tmp_path / 'pairs'
    pairs.mkdir()

    with pytest.raises(ValueError, match='have no contacts of demonstrations'):
        train(options(write_pairs(pairs, shortest=4), initial, tmp_path / 'model', 1))
    frames = '--model.architecture.maximum_frames=3'
    with pytest.raises(
        ValueError, match=r'gives 4 frames .* at most 3\. Raise model\.architecture'
    ):
        train([*options(pairs / 'train.json', initial, tmp_path / 'model', 1), frames])


def test_the_backbone_is_frozen_and_what_is_named_of_the_head() -> None:
    training = ContactTraining(ARCHITECTURE, Optimization(frozen=('first.', 'time.')))

    trained = {name for name, each in training.model.named_parameters() if each.requires_grad}
    assert {name.split('.')[0] for name in trained} == {'contact'}
    assert {name.split('.')[1] for name in trained} == {
        'fine', 'middle', 'coarse', 'join', 'change', 'position', 'touching', 'summary',
        'first_coarse', 'first_fine',
    }  # fmt: skip


def test_a_model_with_a_matching_network_gives_its_weights(matched_folder: Path) -> None:
    training = ContactTraining(ARCHITECTURE, initial=matched_folder)

    found, expected = training.model.state_dict(), weights(matched_folder / 'matching')
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert [each.origin.source for each in training.ingredients] == ['training of matching']


def test_a_head_of_another_width_gives_no_weights(initial: Path) -> None:
    narrower = MatchingArchitecture('efficientnet_lite0', (64, 96), 4, 32)

    with pytest.raises(
        ModelFolderError, match=r'has another architecture: of another shape is contact\.'
    ):
        ContactTraining(narrower, initial=initial)


def test_weights_of_imagenet_are_those_of_the_backbone_alone() -> None:
    torch.manual_seed(0)
    before = MatchingNetwork(ARCHITECTURE.configuration()).state_dict()
    torch.manual_seed(0)
    training = ContactTraining(ARCHITECTURE, backbone_weights='imagenet')

    found = training.model.state_dict()
    stem = found['encoder.backbone_with_fpn.body.conv_stem.weight']
    assert float(stem.std()) == pytest.approx(0.7712, abs=1e-4)
    head = [name for name in found if name.startswith('contact.')]
    assert all(torch.equal(found[name], before[name]) for name in head)
    assert [each.origin.licence for each in training.ingredients] == ['Apache-2.0']


def test_the_stages_of_a_timm_model_are_found() -> None:
    architecture = MatchingArchitecture('timm:convnext_tiny', (96, 160), 5, 24)

    assert architecture.configuration() == MatchingConfiguration(
        backbone='timm:convnext_tiny',
        input_size=(96, 160),
        maximum_frames=5,
        contact_channels=24,
        stage_strides=(32, 16, 8, 4),
        stage_channels=(768, 384, 192, 96),
    )
