# SPDX-License-Identifier: Apache-2.0
"""Encoders over networks of timm that are small enough to run here."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import timm
import torch

from afformer_core.models import AfformerConfiguration, afformer_small
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.backbones.timm_body import TimmMap, TimmStages, timm_fields

from ...conftest import ACTIONS, random_model

SIZE = (64, 96)
IMAGES = torch.randint(0, 256, (2, *SIZE, 3), dtype=torch.uint8)


def configured(name: str, **fields: Any) -> AfformerConfiguration:
    return replace(afformer_small(ACTIONS), **{**timm_fields(f'timm:{name}', SIZE), **fields})


def test_the_simple_pyramid_has_every_level_over_a_plain_vit() -> None:
    configuration = configured(
        'test_vit',
        input_size=(64, 128),
        image_levels=('p6', 'p5', 'p4', 'p3', 'p2'),
        video_levels=('p4',),
        temporal_strides=(1, 1, 1, 1, 1),
    )
    image = torch.zeros(1, 64, 128, 3, dtype=torch.uint8)

    found = random_model(configuration).encoder.encode_images(image)

    assert [tuple(level.shape) for level in found] == [
        (1, 96, 1, 2), (1, 96, 2, 4), (1, 96, 4, 8), (1, 96, 8, 16), (1, 96, 16, 32),
    ]  # fmt: skip


def test_frames_have_the_shape_that_the_configuration_says() -> None:
    for name in ('test_vit', 'test_convnext'):
        configuration = configured(name)

        features = random_model(configuration).encode_frames(IMAGES)

        assert features.shape == (2, configuration.feature_channels, *configuration.feature_size)


def test_images_are_normalised_as_timm_trained_it() -> None:
    encoder = random_model(configured('test_convnext')).encoder
    description = timm.get_pretrained_cfg('test_convnext')

    white = encoder.normalise(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8))[0, :, 0, 0]

    expected = [(1 - m) / s for m, s in zip(description.mean, description.std, strict=True)]
    torch.testing.assert_close(white, torch.tensor(expected))


def test_the_map_of_a_plain_vit_is_that_of_the_last_block_after_the_norm() -> None:
    torch.manual_seed(0)
    network = timm.create_model('test_vit', num_classes=0, img_size=SIZE).eval()
    images = torch.rand(1, 3, *SIZE)
    with torch.no_grad():
        tokens = network.forward_features(images)[:, network.num_prefix_tokens :]

        found = TimmMap(network)(images)

    torch.testing.assert_close(found, tokens.transpose(1, 2).unflatten(2, (4, 6)))


def test_channels_come_first_whatever_the_network() -> None:
    network = timm.create_model(
        'swin_tiny_patch4_window7_224', features_only=True, img_size=(32, 64), embed_dim=8,
        depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1),
    )  # fmt: skip

    found = TimmStages(network, (8, 16))(torch.rand(1, 3, 32, 64))

    assert [tuple(stage.shape) for stage in found] == [(1, 16, 4, 8), (1, 32, 2, 4)]


@pytest.mark.parametrize('name', ['test_vit', 'test_convnext'])
def test_a_frozen_body_freezes_all_of_its_stages(name: str) -> None:
    backbone = random_model(configured(name)).encoder.backbone_with_fpn
    stages = backbone.backbone(torch.rand(1, 3, *SIZE))

    assert backbone.frozen_stages() == len(backbone.stages) == len(stages)
    assert all(map(torch.equal, backbone.deepen(stages), stages))

    next(iter(backbone.body.parameters())).requires_grad_(True)
    assert backbone.frozen_stages() == 0


class _Frames(torch.nn.Module):
    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.encoder.encode_frames(frames)


@pytest.mark.slow
def test_the_graph_of_a_plain_vit_gives_what_torch_gives(tmp_path: Path) -> None:
    pytest.importorskip('onnxscript')
    configuration = configured('test_vit', input_size=(32, 48))
    module = _Frames(random_model(configuration).encoder).eval()
    frames = torch.randint(0, 256, (3, 32, 48, 3), dtype=torch.uint8)
    count = torch.export.Dim('N', min=1, max=1024)
    with torch.no_grad():
        torch.onnx.export(
            module, (frames[:2],), tmp_path / 'frames.onnx', dynamic_shapes={'frames': {0: count}},
            opset_version=18, dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
        expected = module(frames).numpy()

    session = onnxruntime.InferenceSession(tmp_path / 'frames.onnx')
    (found,) = session.run(None, {'frames': frames.numpy()})

    assert found.shape == (3, 96, 4, 6)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ('name', 'side', 'strides', 'channels'),
    [
        ('sam2_hiera_tiny.fb_r896_2pt1', 256, (32, 16, 8, 4), (768, 384, 192, 96)),
        ('convnext_tiny', 224, (32, 16, 8, 4), (768, 384, 192, 96)),
        ('vit_small_patch14_dinov2.lvd142m', 224, (14,), (384,)),
        ('vit_small_patch14_reg4_dinov2', 224, (14,), (384,)),
        ('vit_pe_spatial_base_patch16_512.fb', 256, (16,), (768,)),
        ('vit_small_patch16_dinov3.lvd1689m', 256, (16,), (384,)),
        # Its maps have the channels last.
        ('swin_tiny_patch4_window7_224', 224, (32, 16, 8, 4), (768, 384, 192, 96)),
        # It has a stage of stride 2, which no level has.
        ('mobilenetv3_small_050', 64, (32, 16, 8, 4), (288, 24, 16, 8)),
    ],
)
def test_strides_and_channels(
    name: str, side: int, strides: tuple[int, ...], channels: tuple[int, ...]
) -> None:
    assert timm_fields(f'timm:{name}', (side, side)) == {
        'backbone': f'timm:{name}',
        'input_size': (side, side),
        'stage_strides': strides,
        'stage_channels': channels,
    }


@pytest.mark.parametrize(
    ('name', 'size', 'message'),
    [
        ('vit_smal_patch14_dinov2', (224, 224), 'timm cannot build vit_smal'),
        ('vit_small_patch14_dinov2.lvd14', (224, 224), 'timm cannot build .*lvd14'),
        ('crossvit_9_240', (240, 240), r'strides \(12, 17\); expected at least two'),
    ],
    ids=['unknown', 'unknown tag', 'strides'],
)
def test_what_timm_cannot_build(name: str, size: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        timm_fields(f'timm:{name}', size)
