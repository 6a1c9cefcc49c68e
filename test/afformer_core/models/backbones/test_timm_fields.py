# SPDX-License-Identifier: Apache-2.0
"""Models of timm as a configuration describes them, and names and sizes that cannot be."""

import json
from dataclasses import replace

import pytest

from afformer_core.models import AfformerConfiguration, afformer_small
from afformer_core.models.backbones.timm_fields import timm_fields

ACTIONS = ('press',)


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
        ('vit_smal_patch14_dinov2', (224, 224), r'such as .*timm:vit_small_patch14_dinov2'),
        ('vit_small_patch14_dinov2.lvd14', (224, 224), r'a tag of .*dinov2\.lvd142m'),
        ('vit_small_patch14_dinov2', (224, 200), r'\(224, 200\); expected .* multiples of 14'),
        ('crossvit_9_240', (240, 240), r'strides \(12, 17\); expected at least two'),
        ('swin_tiny_patch4_window7_224', (40, 64), r'computes maps of .* multiples of 32'),
    ],
    ids=['unknown', 'unknown tag', 'patch', 'strides', 'size'],
)
def test_what_timm_cannot_build(name: str, size: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        timm_fields(f'timm:{name}', size)


def plain(patch: int, size: tuple[int, int]) -> AfformerConfiguration:
    return replace(
        afformer_small(ACTIONS),
        backbone='timm:vit',
        input_size=size,
        stage_strides=(patch,),
        stage_channels=(64,),
    )


def test_levels_of_a_plain_vit_have_the_stride_of_its_patch() -> None:
    configuration = replace(plain(14, (112, 168)), image_levels=('p5', 'p3'))

    assert configuration.level_sizes == ((4, 6), (16, 24))
    assert configuration.memory_sizes == ((16, 24), (16, 24))
    assert configuration.heatmap_size == (128, 192)


def test_a_level_that_the_size_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match=r'input_size is \(112, 70\); .* multiples of 28'):
        replace(plain(14, (112, 56)), image_levels=('p5', 'p3'), input_size=(112, 70))


@pytest.mark.parametrize(
    ('strides', 'channels', 'message'),
    [
        ((), (), 'stage_strides is '),
        ((32, 12), (8, 8), 'stage_strides is '),
        ((16, 32), (8, 8), 'stage_strides is '),
        ((32, 16), (8,), 'stage_channels is '),
    ],
    ids=['none', 'no power of two', 'rising', 'fewer channels'],
)
def test_stages_that_no_model_has(
    strides: tuple[int, ...], channels: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(plain(16, (64, 64)), stage_strides=strides, stage_channels=channels)


def test_another_backbone_has_no_stages_of_its_own() -> None:
    with pytest.raises(ValueError, match=r'stage_strides is .* none for resnet50'):
        replace(plain(16, (64, 64)), backbone='resnet50')


def test_the_stages_are_kept_in_json() -> None:
    configuration = plain(14, (112, 112))

    fields = json.loads(json.dumps(configuration.to_json()))

    assert AfformerConfiguration.from_json(fields) == configuration
