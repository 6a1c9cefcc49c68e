# SPDX-License-Identifier: Apache-2.0
"""Models of timm as a configuration describes them, and names and sizes that cannot be."""

import pytest

from afformer_core.models.backbones.timm_fields import timm_fields


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
