# SPDX-License-Identifier: Apache-2.0
"""COCO weights of detectron2, as its model zoo has them, in our encoders."""

from __future__ import annotations

import pickle
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

from ..known_weights import vitdet_tensors

PAPER = afformer_vitdet_b(('press',), (64, 64))
RELEASED = released_vitdet_b(('press',), (64, 64))
# Weights that are replaced need not be random.
pytestmark = [pytest.mark.usefixtures('zeroed_initializers'), pytest.mark.slow]
LEVELS = ('p4', 'p5', 'p6')
DETECTOR = {
    'backbone.simfp_2.0.weight': (768, 384, 2, 2),
    'backbone.simfp_3.1.norm.bias': (256,),
    'proposal_generator.rpn_head.conv.conv0.weight': (256, 256, 3, 3),
    'roi_heads.box_head.fc1.weight': (10, 10),
}


# Prefixes of our names and of the detector's.
NAMES = {
    'body.': 'net.',
    'fpn.p4.0.': 'simfp_4.0.',
    'fpn.p4.1.': 'simfp_4.0.norm.',
    'fpn.p4.2.': 'simfp_4.1.',
    'fpn.p4.3.': 'simfp_4.1.norm.',
    'fpn.p5.0.': 'simfp_5.1.',
    'fpn.p5.1.': 'simfp_5.1.norm.',
    'fpn.p5.2.': 'simfp_5.2.',
    'fpn.p5.3.': 'simfp_5.2.norm.',
}


def theirs(name: str) -> str:
    rest = name.removeprefix('backbone_with_fpn.')
    (own,) = (own for own in NAMES if rest.startswith(own))
    return f'backbone.{NAMES[own]}{rest.removeprefix(own)}'


@pytest.fixture(scope='module')
def state() -> dict[str, Tensor]:
    tensors = vitdet_tensors(vitdet_encoder(PAPER, LEVELS))
    detector = {name: torch.randn(shape) for name, shape in DETECTOR.items()}
    return {theirs(name): tensor for name, tensor in tensors.items()} | detector


def encoder_of(configuration: AfformerConfiguration, levels: tuple[str, ...] = LEVELS) -> Encoder:
    return vitdet_encoder(configuration, levels).eval().requires_grad_(False)


def test_a_file_of_the_model_zoo_fills_the_encoder(
    state: dict[str, Tensor], scratch: Path
) -> None:
    path = scratch / 'model_final.pkl'
    arrays = {name: tensor.numpy() for name, tensor in state.items()}
    path.write_bytes(pickle.dumps({'model': arrays, '__author__': 'somebody'}, protocol=2))
    encoder = encoder_of(PAPER)

    load_detectron2_weights(encoder, path)

    for name, tensor in encoder.state_dict().items():
        given = state[theirs(name)]
        if name.endswith('pos_embed'):
            given = given[:, 1:].reshape(1, 14, 14, 768)
        elif given.shape[0] == 127:
            given = functional.interpolate(given.T[None], 7, mode='linear')[0].T
        assert torch.equal(tensor, given), name


def test_both_last_blocks_begin_as_the_detectors(state: dict[str, Tensor], scratch: Path) -> None:
    path = scratch / 'model.pth'
    torch.save({'model': state, 'iteration': 7}, path)
    encoder = encoder_of(RELEASED, ('p4', 'p5'))
    torch.nn.init.normal_(encoder.get_parameter('backbone_with_fpn.fpn.v3d.weight'))
    convolution = encoder.state_dict()['backbone_with_fpn.fpn.v3d.weight'].clone()

    load_detectron2_weights(encoder, path)

    own = encoder.state_dict()
    for kind in ('image_block', 'video_block'):
        expected = state['backbone.net.blocks.11.mlp.fc1.weight']
        assert torch.equal(own[f'{kind}.mlp.fc1.weight'], expected)
    assert own['image_block.attn.rel_pos_h'].shape == (7, 64)
    assert torch.equal(own['backbone_with_fpn.fpn.v3d.weight'], convolution)


def test_a_pyramid_of_other_channels_is_left_alone(state: dict[str, Tensor]) -> None:
    encoder = encoder_of(replace(PAPER, channels=128))
    before = {
        name: tensor.clone() for name, tensor in encoder.backbone_with_fpn.fpn.state_dict().items()
    }
    adopt_detectron2(encoder, state)

    after = encoder.backbone_with_fpn.fpn.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'backbone.bottom_up.stem.weight': torch.zeros(1)},
            '1 unknown tensors, such as backbone.bot',
        ),
        ({'backbone.net.blocks.12.norm1.bias': torch.zeros(1)}, '1 unknown tensors'),
        ({'backbone.simfp_5.1.norm.bias': None}, 'missing: backbone_with_fpn.fpn.p5.1.bias'),
    ],
)
def test_what_does_not_match_is_listed(
    state: dict[str, Tensor], change: dict[str, Tensor | None], message: str
) -> None:
    changed = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}
    with pytest.raises(CheckpointError, match=message):
        adopt_detectron2(encoder_of(PAPER), changed)
