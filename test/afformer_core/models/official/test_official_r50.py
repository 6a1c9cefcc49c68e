# SPDX-License-Identifier: Apache-2.0
"""The authors' ResNet-50 model, from a checkpoint as they save it to what their model gives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.cli.main import main
from afformer_core.models.afformer import Afformer
from afformer_core.models.official.official_checkpoint import count_actions, import_official
from afformer_core.models.pretrained.checkpoint_file import CheckpointError, read_checkpoint
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.weights import load_model

from .. import plain_r50, plain_vitdet
from ..released_checkpoint import module_of, save_as_released

# Of each heatmap's maximum, and of action scores.
TOLERANCE = 3e-4


@pytest.fixture(scope='module')
def golden(test_data: Path) -> dict[str, Tensor]:
    tensors = load_file(test_data / 'golden' / 'afformer_r50_decoder_T5.safetensors')
    return {name: tensor.float() for name, tensor in tensors.items()}


@pytest.fixture(scope='module')
def encoder() -> plain_r50.ReleasedEncoder:
    torch.manual_seed(0)
    return plain_r50.ReleasedEncoder().eval()


@pytest.fixture(scope='module')
def checkpoint(
    encoder: nn.Module,
    golden: dict[str, Tensor],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """A whole model with random weights, in a file that Lightning wrote."""
    network = module_of(plain_vitdet.below(golden, 'weights.'))
    network.add_module('encoder', encoder)
    folder = tmp_path_factory.mktemp('released')
    yield save_as_released(folder, network)
    shutil.rmtree(folder)


@pytest.fixture(scope='module')
def state(checkpoint: Path) -> dict[str, Tensor]:
    return dict(read_checkpoint(checkpoint)['state_dict'])


@pytest.fixture(scope='module')
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp('imported')
    assert main(['import-checkpoint', str(checkpoint), str(made)]) == 0
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope='module')
def model(folder: Path) -> Afformer:
    return load_model(folder)


def test_the_file_is_as_lightning_writes_it(checkpoint: Path, folder: Path) -> None:
    content = read_checkpoint(checkpoint)
    assert set(content) >= {
        'state_dict', 'epoch', 'global_step', 'pytorch-lightning_version', 'loops', 'callbacks',
        'optimizer_states', 'lr_schedulers', 'MixedPrecision',
    }  # fmt: skip
    state = content['state_dict']
    assert all(name.startswith('network.') for name in state)
    for name in ('image_mean', 'image_std'):
        assert state[f'network.encoder.{name}'].shape == (1, 3, 1, 1)
    assert not [name for name in state if 'num_batches' in name or 'layer_blocks.3' in name]
    training = read_description(folder).training
    assert (training['global_step'], training['epoch']) == (1, 0)


@torch.no_grad()
def test_gives_the_golden_outputs(model: Afformer, golden: dict[str, Tensor]) -> None:
    levels = tuple(golden[f'input.image.{name}'] for name in ('p4', 'p3', 'p2'))
    found = model.ground_levels(levels, model.memorize(golden['input.video.p3'][None]))

    require_close(found, (golden['output.heatmap_logits'], golden['output.action_logits']))


@torch.no_grad()
def test_the_plain_decoder_gives_the_golden_outputs(golden: dict[str, Tensor]) -> None:
    levels = [golden[f'input.image.{name}'] for name in ('p4', 'p3', 'p2')]
    found = released(golden, levels, golden['input.video.p3'])

    require_close(found, (golden['output.heatmap_logits'], golden['output.action_logits']))


@pytest.mark.parametrize(
    'frames',
    [1, pytest.param(5, marks=pytest.mark.slow), pytest.param(32, marks=pytest.mark.slow)],
)
@pytest.mark.timeout(900)
@torch.no_grad()
def test_gives_what_the_released_model_gives(
    frames: int, model: Afformer, encoder: nn.Module, golden: dict[str, Tensor]
) -> None:
    rng = torch.Generator().manual_seed(1)
    shape = 1 + frames, *model.configuration.input_size, 3
    random_images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)
    image, video = random_images[:1], random_images[1:]

    found = model(image, video[None])

    features = torch.cat([encoder(frame)[1] for frame in video.split(1)])
    require_close(found, released(golden, encoder(image), features))


def released(
    golden: dict[str, Tensor], levels: Sequence[Tensor], video: Tensor
) -> tuple[Tensor, Tensor]:
    """Heatmap and action logits of the released decoder and heads."""
    decoded = plain_r50.decoded(plain_vitdet.below(golden, 'weights.decoder.'), levels, video)
    return plain_vitdet.heads(plain_vitdet.below(golden, 'weights.predictor.'), decoded)


def require_close(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    ours, theirs = (each[0].flatten(2).softmax(2) for each in (found, expected))
    # They say something.
    assert theirs.amax(2).min() > 4 / theirs.shape[2]
    assert ((ours - theirs).abs().amax(2) / theirs.amax(2)).max() < TOLERANCE
    assert (found[1].sigmoid() - expected[1].sigmoid()).abs().max() < TOLERANCE


def test_sizes_are_read_off(state: dict[str, Tensor], golden: dict[str, Tensor]) -> None:
    configuration = import_official(state, OPRA_ACTIONS).configuration

    height, width = golden['output.heatmap_logits'].shape[-2:]
    assert configuration.input_size == (height, width)
    assert configuration.channels == golden['input.image.p4'].shape[1]
    assert configuration.maximum_frames == 32
    assert configuration.action_names == OPRA_ACTIONS
    assert configuration.heatmap_per_action
    assert count_actions(state) == 7


def test_names_without_the_prefix(state: dict[str, Tensor]) -> None:
    bare = {name.removeprefix('network.'): tensor for name, tensor in state.items()}
    model = import_official(bare, OPRA_ACTIONS)
    assert torch.equal(
        model.state_dict()['predictor.actioner.5.bias'], bare['predictor.actioner.5.bias'].float()
    )


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'network.decoder.self2d_cross3d_block.mlp.fc1.bias': None},
            'missing: decoder.self2d_cross3d_block.mlp.fc1.bias',
        ),
        ({'network.decoder.other': torch.zeros(1)}, 'unknown: decoder.other'),
        (
            {'network.encoder.image_mean': torch.full((1, 3, 1, 1), 0.5)},
            'encoder.image_mean of the checkpoint is 0.5, 0.5, 0.5; expected 0.485, 0.456, 0.406',
        ),
        (
            {'network.encoder.image_std': torch.ones(1)},
            'encoder.image_std of the checkpoint is 1; expected 0.229, 0.224, 0.225',
        ),
        (
            {'network.predictor.actioner.5.bias': torch.zeros(3)},
            'of another shape: predictor.actioner.5.bias is (3,), expected (7,)',
        ),
        (
            {'network.predictor.actioner.5.bias': torch.full((7,), torch.nan)},
            'not finite: predictor.actioner.5.bias',
        ),
        (
            {'network.predictor.upsampler.3.weight': None},
            'has no tensor predictor.upsampler.3.weight',
        ),
        (
            {'network.decoder.self2d_cross3d_block.self_attn.rel_pos_h': None},
            'has no tensor decoder.self2d_cross3d_block.self_attn.rel_pos_h',
        ),
    ],
)
def test_what_does_not_match_is_listed(
    state: dict[str, Tensor], change: dict[str, Tensor | None], message: str
) -> None:
    changed = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}
    with pytest.raises(CheckpointError, match=re.escape(message)):
        import_official(changed, OPRA_ACTIONS)


def test_actions_cannot_be_counted_without_their_head() -> None:
    with pytest.raises(CheckpointError, match=r'has no tensor predictor.actioner.5.weight'):
        count_actions({'network.decoder.other': torch.zeros(1)})


def test_heatmaps_must_be_one_or_one_for_each_action(state: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match='7 heatmaps for 2 actions'):
        import_official(state, ('take', 'put'))
