# SPDX-License-Identifier: Apache-2.0
"""The training of a contact head: what it changes, what it measures, and what it refuses."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from afformer_core.models.afformer import Afformer
from afformer_core.models.matching.matching_decoder import MatchingDecoder
from afformer_core.models.presets import afformer_matching
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.weights import load_model, save_model
from afformer_core.training.architecture import Architecture
from afformer_core.training.command import train
from afformer_core.training.contact.module import ContactTraining

from ...conftest import random_model
from ..conftest import MODEL, TRAINER, write_contact, write_pairs

HEAD = 'decoder.contact.'


@pytest.fixture(scope='module')
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pairs of clips of four frames or more, of which four are used."""
    path = write_pairs(tmp_path_factory.mktemp('pairs'), shortest=4)
    write_contact(path, shortest=4)
    return path


@pytest.fixture(scope='module')
def initial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('initial')
    save_model(folder, random_model(afformer_matching(('press', 'hold'), (64, 64))), {})
    return folder


def options(annotations: Path, initial: Path, output: Path, steps: int) -> list[str]:
    return [
        '--task=contact',
        '--data=afformer_core.training.datasets.feature_data.FeatureData',
        f'--data.train.annotations={annotations}',
        f'--data.validation.annotations={annotations}',
        f'--data.cache_folder={output / "features"}',
        '--data.frames=4',
        '--data.batch_size=4',
        '--data.targets=1',
        *MODEL[1:2],
        '--model.architecture.preset=afformer_matching',
        '--model.optimization.backbone_factor=0',
        '--model.optimization.learning_rate=3e-3',
        f'--model.initial={initial}',
        *TRAINER,
        f'--trainer.max_steps={steps}',
        f'--output={output}',
    ]


def weights(folder: Path) -> dict[str, Tensor]:
    return load_model(folder).state_dict()


def test_only_the_head_changes_and_what_it_finds_is_written(
    annotations: Path, initial: Path, tmp_path: Path
) -> None:
    train(options(annotations, initial, tmp_path, 40))

    before, after = weights(initial), weights(tmp_path)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(HEAD) for name in changed)
    validation = read_description(tmp_path).training['validation']
    assert validation == {'contact': pytest.approx(1.0)}


def test_data_that_do_not_tell_the_contact_are_refused(initial: Path, tmp_path: Path) -> None:
    pairs = tmp_path / 'pairs'
    pairs.mkdir()

    with pytest.raises(ValueError, match='have no contacts of demonstrations'):
        train(options(write_pairs(pairs, shortest=4), initial, tmp_path / 'model', 1))


def test_a_model_without_a_contact_head_is_refused() -> None:
    with pytest.raises(ValueError, match="decoder is 'fine_grained'; expected matching"):
        ContactTraining(Architecture('afformer_small', (64, 64)), ('press',))


def test_training_drops_channels_alike_in_all_frames() -> None:
    torch.manual_seed(0)
    decoder = Afformer(afformer_matching((), (64, 64))).decoder
    assert isinstance(decoder, MatchingDecoder)
    dropped = decoder.contact.dropout.train()(torch.ones(2, 5, 100, 3, 3))

    assert torch.equal(dropped[:, :1].expand_as(dropped), dropped)
    assert 0.5 < float((dropped[:, 0, :, 0, 0] > 0).float().mean()) < 0.9
    assert sorted(dropped.unique().tolist()) == pytest.approx([0.0, 1 / 0.7])
    torch.testing.assert_close(decoder.contact.dropout.eval()(dropped), dropped)
