# SPDX-License-Identifier: Apache-2.0
"""The authors' ResNet-50 model, from a checkpoint as they save it to what their model gives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.cli.main import main
from afformer_core.models.afformer import Afformer
from afformer_core.models.pretrained.checkpoint_file import CheckpointError
from afformer_core.models.pretrained.official_checkpoint import count_actions, import_official
from afformer_core.runtime.weights import load_model

# Of each heatmap's maximum, and of action scores.
TOLERANCE = 3e-4


@pytest.fixture(scope='module')
def golden(test_data: Path) -> dict[str, Tensor]:
    tensors = load_file(test_data / 'golden' / 'afformer_r50_decoder_T5.safetensors')
    return {name: tensor.float() for name, tensor in tensors.items()}


class ReleasedEncoder(nn.Module):
    """What the released encoder keeps under which names, with random weights.

    Its batch norms are frozen; the coarsest output of its pyramid, p5, is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('image_mean', torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer('image_std', torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        body = resnet50(norm_layer=FrozenBatchNorm2d)
        pyramid = _resnet_fpn_extractor(body, 5, norm_layer=FrozenBatchNorm2d)
        pyramid.fpn.layer_blocks[3] = nn.Identity()
        pyramid.fpn.extra_blocks = None
        for module in pyramid.modules():
            if isinstance(module, FrozenBatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 2.0)
        self.backbone_with_fpn = pyramid

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Levels p4, p3, p2 of uint8 [B, H, W, 3]."""
        pixels = images.permute(0, 3, 1, 2) / 255
        levels = self.backbone_with_fpn((pixels - self.image_mean) / self.image_std)
        return levels['2'], levels['1'], levels['0']


@pytest.fixture(scope='module')
def encoder() -> ReleasedEncoder:
    torch.manual_seed(0)
    return ReleasedEncoder().eval()


@pytest.fixture(scope='module')
def state(encoder: nn.Module, golden: dict[str, Tensor]) -> dict[str, Tensor]:
    parts = {f'encoder.{name}': tensor for name, tensor in encoder.state_dict().items()}
    parts |= {
        name.removeprefix('weights.'): x
        for name, x in golden.items()
        if name.startswith('weights.')
    }
    return {f'network.{name}': tensor for name, tensor in parts.items()}


@pytest.fixture(scope='module')
def folder(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp('imported')
    torch.save({'state_dict': state, 'global_step': 1, 'epoch': 0}, made / 'released.ckpt')
    assert main(['import-checkpoint', str(made / 'released.ckpt'), str(made / 'model')]) == 0
    yield made / 'model'
    shutil.rmtree(made)


@pytest.fixture(scope='module')
def model(folder: Path) -> Afformer:
    return load_model(folder)


@torch.no_grad()
def test_gives_the_golden_outputs(model: Afformer, golden: dict[str, Tensor]) -> None:
    levels = tuple(golden[f'input.image.{name}'] for name in ('p4', 'p3', 'p2'))
    found = model.ground_levels(levels, model.memorize(golden['input.video.p3'][None]))

    require_close(found, (golden['output.heatmap_logits'], golden['output.action_logits']))


@torch.no_grad()
def test_encodes_as_the_released_encoder(model: Afformer, encoder: nn.Module) -> None:
    rng = torch.Generator().manual_seed(1)
    shape = 2, *model.configuration.input_size, 3
    random_images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)

    found, features = model.encode_images(random_images)

    expected = encoder(random_images)
    for level, theirs in zip((*found, features), (*expected, expected[1]), strict=True):
        torch.testing.assert_close(level, theirs, atol=1e-4, rtol=1e-4)


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
    bare = {name.removeprefix('network.'): tensor for name, tensor in state.items()}
    assert import_official(bare, OPRA_ACTIONS).configuration == configuration


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


def test_heatmaps_must_be_one_or_one_for_each_action(state: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match='7 heatmaps for 2 actions'):
        import_official(state, ('take', 'put'))
    with pytest.raises(CheckpointError, match=r'has no tensor predictor.actioner.5.weight'):
        count_actions({'network.decoder.other': torch.zeros(1)})
