# SPDX-License-Identifier: Apache-2.0
"""COCO weights of detectron2, as its model zoo has them, in our encoders."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.models import AfformerConfiguration, afformer_vitdet_b, released_vitdet_b
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.backbones.vitdet_encoder import vitdet_encoder
from afformer_core.models.pretrained.checkpoint_file import CheckpointError
from afformer_core.models.pretrained.vitdet_weights import (
    adopt_detectron2,
    load_detectron2_weights,
)

from .. import plain_vitdet as plain

PAPER = afformer_vitdet_b(('press',), (64, 64))
RELEASED = released_vitdet_b(('press',), (64, 64))
LEVELS = ('p4', 'p5', 'p6')
DETECTOR = {
    'backbone.simfp_2.0.weight': (768, 384, 2, 2),
    'backbone.simfp_3.1.norm.bias': (256,),
    'proposal_generator.rpn_head.conv.conv0.weight': (256, 256, 3, 3),
    'roi_heads.box_head.fc1.weight': (10, 10),
}


def zeroed(tensor: Tensor, *_arguments: object, **_options: object) -> Tensor:
    return tensor.data.zero_()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are replaced need not be random."""
    for name in ('trunc_normal_', 'kaiming_uniform_', 'uniform_'):
        monkeypatch.setattr(torch.nn.init, name, zeroed)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder of large files, which are not kept."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture(scope='module')
def state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    net = plain.random_backbone(12)
    tensors = {f'backbone.net.{name}': tensor for name, tensor in net.items()}
    for level, first in (('simfp_4', 0), ('simfp_5', 1)):
        for position, (inputs, side) in enumerate(((768, 1), (256, 3)), first):
            name = f'backbone.{level}.{position}'
            tensors[f'{name}.weight'] = 0.05 * torch.randn(256, inputs, side, side)
            tensors |= plain.random_norm(f'{name}.norm', 256)
    return {**tensors, **{name: torch.randn(shape) for name, shape in DETECTOR.items()}}


def last_map(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """[B, 768, h, w]."""
    net = plain.below(state, 'backbone.net.')
    x = plain.embedded(net, plain.normalised(images))
    for number in range(12):
        x = plain.block(plain.below(net, f'blocks.{number}.'), x, number)
    return x.permute(0, 3, 1, 2)


def level(state: dict[str, Tensor], name: str, first: int, x: Tensor) -> Tensor:
    tensors = plain.below(state, f'backbone.{name}.')
    for position, padding in ((first, 0), (first + 1, 1)):
        x = functional.conv2d(x, tensors[f'{position}.weight'], padding=padding)
        x = plain.channel_norm(tensors, f'{position}.norm', x)
    return x


def encoder_of(configuration: AfformerConfiguration, levels: tuple[str, ...] = LEVELS) -> Encoder:
    return vitdet_encoder(configuration, levels).eval().requires_grad_(False)


@pytest.mark.slow
@torch.no_grad()
def test_a_file_of_the_model_zoo_gives_the_detectors_levels(
    state: dict[str, Tensor], scratch: Path
) -> None:
    path = scratch / 'model_final.pkl'
    arrays = {name: tensor.numpy() for name, tensor in state.items()}
    path.write_bytes(pickle.dumps({'model': arrays, '__author__': 'somebody'}, protocol=2))
    encoder = encoder_of(PAPER)

    loaded = load_detectron2_weights(encoder, path)

    assert loaded.unused == tuple(DETECTOR)
    assert loaded.unfilled == ()
    images = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    p6, p5, p4 = encoder.encode_images(images)
    features = last_map(state, images)
    expected = level(state, 'simfp_5', 1, functional.max_pool2d(features, 2))
    torch.testing.assert_close(p4, level(state, 'simfp_4', 0, features), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(p5, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(p6, expected[:, :, ::2, ::2], atol=1e-4, rtol=1e-4)


def test_both_last_blocks_begin_as_the_detectors(state: dict[str, Tensor], scratch: Path) -> None:
    path = scratch / 'model.pth'
    torch.save({'model': state, 'iteration': 7}, path)
    encoder = encoder_of(RELEASED, ('p4', 'p5'))
    torch.nn.init.normal_(encoder.get_parameter('backbone_with_fpn.fpn.v3d.weight'))
    convolution = encoder.state_dict()['backbone_with_fpn.fpn.v3d.weight'].clone()

    loaded = load_detectron2_weights(encoder, path)

    own = encoder.state_dict()
    for kind in ('image_block', 'video_block'):
        expected = state['backbone.net.blocks.11.mlp.fc1.weight']
        assert torch.equal(own[f'{kind}.mlp.fc1.weight'], expected)
    assert own['image_block.attn.rel_pos_h'].shape == (7, 64)
    assert loaded.unfilled == ('backbone_with_fpn.fpn.v3d.weight',)
    assert torch.equal(own['backbone_with_fpn.fpn.v3d.weight'], convolution)
    assert set(DETECTOR) < set(loaded.unused)
    assert all('simfp' in name for name in set(loaded.unused) - set(DETECTOR))


def test_a_pyramid_of_other_channels_is_left_alone(state: dict[str, Tensor]) -> None:
    encoder = encoder_of(replace(PAPER, channels=128))
    loaded = adopt_detectron2(encoder, state)

    assert loaded.unfilled == tuple(
        name for name in encoder.state_dict() if name.startswith('backbone_with_fpn.fpn.')
    )
    assert 'backbone.simfp_4.0.weight' in loaded.unused


def test_levels_that_are_not_asked_for_are_not_used(state: dict[str, Tensor]) -> None:
    loaded = adopt_detectron2(encoder_of(PAPER, ('p5',)), state)

    assert loaded.unfilled == ()
    used = {name for name in state if 'simfp' in name} - set(loaded.unused)
    assert {name.split('.')[1] for name in used} == {'simfp_5'}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'backbone.bottom_up.stem.weight': torch.zeros(1)},
            '1 unknown tensors, such as backbone.bot',
        ),
        ({'backbone.net.blocks.12.norm1.bias': torch.zeros(1)}, '1 unknown tensors'),
        ({'backbone.net.pos_embed': None}, 'missing: backbone_with_fpn.body.pos_embed'),
        ({'backbone.simfp_5.1.norm.bias': None}, 'missing: backbone_with_fpn.fpn.p5.1.bias'),
        (
            {'backbone.net.patch_embed.proj.bias': torch.zeros(1024)},
            'of another shape: backbone_with_fpn.body.patch_embed.proj.bias',
        ),
    ],
)
def test_what_does_not_match_is_listed(
    state: dict[str, Tensor], change: dict[str, Tensor | None], message: str
) -> None:
    changed = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}
    with pytest.raises(CheckpointError, match=message):
        adopt_detectron2(encoder_of(PAPER), changed)
