# SPDX-License-Identifier: Apache-2.0
"""The authors' ViTDet-B model, against the same written out plainly."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.cli.main import main
from afformer_core.models import released_vitdet_b
from afformer_core.models.afformer import Afformer
from afformer_core.models.pretrained.checkpoint_file import CheckpointError
from afformer_core.models.pretrained.official_checkpoint import _vitdet_name, import_official
from afformer_core.runtime.model_folder import read_description

from .. import plain_vitdet as plain

SIDE, FRAMES = 64, 2


@pytest.fixture(scope='module')
def state() -> dict[str, Tensor]:
    """For images of 64 x 64 and at most 6 frames, with true widths and depth."""
    configuration = replace(released_vitdet_b(OPRA_ACTIONS, (SIDE, SIDE)), maximum_frames=6)
    tensors = plain.random_tensors(Afformer(configuration))
    return {f'network.{_vitdet_name(name)}': tensor for name, tensor in tensors.items()}


def as_released(state: dict[str, Tensor], image: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Heatmap logits [1, 7, h / 4, w / 4] and action logits [1, 7]."""
    encoder = plain.below(state, 'network.encoder.')

    def encoded(random_images: Tensor, last: str) -> Tensor:
        x = plain.embedded(encoder, plain.normalised(random_images))
        for number in range(11):
            x = plain.block(plain.below(encoder, f'shared_blocks.{number}.'), x, number)
        return plain.block(plain.below(encoder, last), x, 11).permute(0, 3, 1, 2)

    # One image at a time, whose scores are large.
    video = torch.cat([encoded(frame, 'video_blocks.0.') for frame in frames.split(1)])
    video = functional.conv2d(video, state['network.decoder.v3d.weight'], stride=2, padding=1)
    levels = encoded(image, 'image_blocks.0.')
    cross_block = plain.below(state, 'network.decoder.cross_block_3d.')
    decoded = plain.cross_block(cross_block, levels, video[None])
    return plain.heads(plain.below(state, 'network.predictor.'), decoded)


def require_same(model: Afformer, state: dict[str, Tensor], frames: int) -> None:
    """Check heatmaps, each by its maximum, and actions of random images."""
    rng = torch.Generator().manual_seed(1)
    shape = 1 + frames, *model.configuration.input_size, 3
    random_images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)
    image, video = random_images[:1], random_images[1:]

    found = model(image, video[None])
    expected = as_released(state, image, video)

    ours, theirs = (each[0].flatten(2).softmax(2) for each in (found, expected))
    # They say something.
    assert theirs.amax(2).min() > 4 / theirs.shape[2]
    assert ((ours - theirs).abs().amax(2) / theirs.amax(2)).max() < 3e-4
    assert (found[1] - expected[1]).abs().max() < 1e-4


@pytest.mark.slow
@torch.no_grad()
def test_gives_what_the_released_model_gives(state: dict[str, Tensor]) -> None:
    model = import_official(state, OPRA_ACTIONS)

    require_same(model, state, FRAMES)

    configuration = model.configuration
    assert (configuration.backbone, configuration.input_size) == ('vitdet_b', (SIDE, SIDE))
    assert (configuration.maximum_frames, configuration.heatmap_per_action) == (6, True)
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'network.encoder.image_blocks.0.norm1.bias': None},
            'missing: encoder.image_blocks.0.norm1.bias',
        ),
        ({'network.encoder.pos_embed': None}, 'missing: encoder.pos_embed'),
        ({'network.decoder.v3d.weight': None}, 'missing: decoder.v3d.weight'),
        (
            {'network.encoder.image_blocks.1.norm1.bias': torch.zeros(768)},
            'unknown: encoder.image_blocks.1.norm1.bias',
        ),
        (
            {'network.encoder.shared_blocks.3.attn.rel_pos_h': torch.zeros(27, 32)},
            'encoder.shared_blocks.3.attn.rel_pos_h is (27, 32), expected (27, 64)',
        ),
        (
            {'network.encoder.pos_embed': torch.zeros(1, 5, 768)},
            'of another shape: encoder.pos_embed is (1, 5, 768), expected (1, 14, 14, 768)',
        ),
        (
            {'network.predictor.actioner.5.bias': torch.full((7,), torch.inf)},
            'not finite: predictor.actioner.5.bias',
        ),
    ],
)
@pytest.mark.usefixtures('quick')
def test_what_does_not_match_is_listed(
    state: dict[str, Tensor], change: dict[str, Tensor | None], message: str
) -> None:
    changed = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}
    with pytest.raises(CheckpointError, match=re.escape(message)):
        import_official(changed, OPRA_ACTIONS)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are replaced, or never used, need not be random."""
    for name in ('trunc_normal_', 'kaiming_uniform_', 'uniform_'):
        monkeypatch.setattr(torch.nn.init, name, zeroed)


def zeroed(tensor: Tensor, *_arguments: object, **_options: object) -> Tensor:
    return tensor.data.zero_()


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder of large files, which are not kept."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.mark.usefixtures('quick')
def test_sizes_that_cannot_be(state: dict[str, Tensor]) -> None:
    odd = {'network.decoder.cross_block_3d.attn.rel_pos_h': torch.zeros(9, 64)}
    with pytest.raises(CheckpointError, match='not of the ViTDet-B model: input_size is'):
        import_official({**state, **odd}, OPRA_ACTIONS)
    lacking = {name: x for name, x in state.items() if not name.endswith('rel_pos_t')}
    with pytest.raises(
        CheckpointError, match=r'has no tensor decoder.cross_block_3d.attn.rel_pos_t'
    ):
        import_official(lacking, OPRA_ACTIONS)


@pytest.mark.slow
@pytest.mark.usefixtures('quick')
def test_from_the_shell(
    state: dict[str, Tensor], scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = scratch / 'vitdet.ckpt', scratch / 'model'
    torch.save({'state_dict': state, 'epoch': 1}, path)

    assert main(['import-checkpoint', str(path), str(folder)]) == 0

    assert 'ViTDet-B, 64x64, 6 frames, actions' in capsys.readouterr().out
    description = read_description(folder)
    assert description.configuration.video_encoder == 'separate_last_block'
    assert description.training['imported'] == 'vitdet.ckpt'
