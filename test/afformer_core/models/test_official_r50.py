# SPDX-License-Identifier: Apache-2.0
"""The authors' ResNet-50 model: torchvision's pyramid, golden decoder and heads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

from afformer_core.data.opra import OPRA_ACTIONS
from afformer_core.models.checkpoint_file import CheckpointError
from afformer_core.models.official_checkpoint import count_actions, import_official

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
FRAMES = 5


def as_released(images: Tensor, pyramid: nn.Module) -> tuple[Tensor, ...]:
    """Levels p4, p3, p2 of uint8 [B, H, W, 3]."""
    levels = pyramid((images.permute(0, 3, 1, 2) / 255 - MEAN) / STD)
    return levels['2'], levels['1'], levels['0']


@pytest.fixture(scope='module')
def pyramid() -> nn.Module:
    torch.manual_seed(0)
    body = resnet50(norm_layer=FrozenBatchNorm2d)
    made = _resnet_fpn_extractor(body, 5, norm_layer=FrozenBatchNorm2d).eval()
    for module in made.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2.0)
    return made.requires_grad_(False)


@pytest.fixture(scope='module')
def golden(test_data: Path) -> dict[str, Tensor]:
    return load_file(test_data / 'golden' / 'afformer_r50_decoder_T5.safetensors')


@pytest.fixture(scope='module')
def state(pyramid: nn.Module, golden: dict[str, Tensor]) -> dict[str, Tensor]:
    heads = {
        f'network.{name.removeprefix("weights.")}': tensor
        for name, tensor in golden.items()
        if name.startswith('weights.')
    }
    encoder = {
        f'network.encoder.backbone_with_fpn.{name}': tensor
        for name, tensor in pyramid.state_dict().items()
    }
    return {**encoder, **heads}


def test_gives_what_the_released_model_gives(state: dict[str, Tensor], pyramid: nn.Module) -> None:
    model = import_official(state, OPRA_ACTIONS)
    height, width = model.configuration.input_size
    random = torch.Generator().manual_seed(1)
    pictures = torch.randint(
        0, 256, (1 + FRAMES, height, width, 3), dtype=torch.uint8, generator=random
    )
    image, frames = pictures[:1], pictures[1:]

    with torch.no_grad():
        heatmaps, actions = model(image, frames[None])
        memory = model.decoder.memorize(as_released(frames, pyramid)[1][None])
        decoded = model.decoder(as_released(image, pyramid), memory)
        wanted_heatmaps, wanted_actions = model.predictor(decoded, (height, width), memory)

    ours = heatmaps.flatten(2).softmax(2)
    theirs = wanted_heatmaps.flatten(2).softmax(2)
    assert (ours - theirs).abs().max() < 1e-4 * theirs.max()
    assert (actions - wanted_actions).abs().max() < 1e-4


def test_sizes_are_read_off(state: dict[str, Tensor], golden: dict[str, Tensor]) -> None:
    configuration = import_official(state, OPRA_ACTIONS).configuration

    height, width = golden['output.heatmap_logits'].shape[-2:]
    assert configuration.input_size == (height, width)
    assert configuration.channels == golden['input.image.p4'].shape[1]
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
            {'network.predictor.actioner.5.bias': torch.zeros(3)},
            'of another shape: predictor.actioner.5.bias (3,) instead of (7,)',
        ),
        (
            {'network.predictor.actioner.5.bias': torch.full((7,), torch.nan)},
            'not finite: predictor.actioner.5.bias',
        ),
        ({'network.predictor.upsampler.3.weight': None}, 'has no predictor.upsampler.3.weight'),
        (
            {'network.decoder.self2d_cross3d_block.self_attn.rel_pos_h': None},
            'has no decoder.self2d_cross3d_block.self_attn.rel_pos_h',
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
    with pytest.raises(CheckpointError, match=r'has no predictor.actioner.5.weight'):
        count_actions({'network.decoder.other': torch.zeros(1)})


def test_heatmaps_must_be_one_or_one_for_each_action(state: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match='7 heatmaps for 2 actions'):
        import_official(state, ('take', 'put'))
