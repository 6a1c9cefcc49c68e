# SPDX-License-Identifier: Apache-2.0
"""Configurations that are refused, and those that JSON gives back."""

import json
from dataclasses import replace
from typing import Any

import pytest

from afformer_core.models import (
    AfformerConfiguration,
    afformer_r50,
    afformer_small,
    afformer_vitdet_b,
    released_vitdet_b,
)

ACTIONS = ('press', 'hold')
SMALL = replace(afformer_small(ACTIONS, (64, 96)), maximum_frames=5)
COARSE = replace(SMALL, image_levels=('p4',), temporal_strides=(1,))
PLAIN = replace(
    SMALL,
    backbone='timm:vit',
    input_size=(112, 168),
    stage_strides=(14,),
    stage_channels=(64,),
    image_levels=('p5', 'p3'),
)
CROSS = replace(COARSE, decoder='cross_attention')


@pytest.mark.parametrize(
    ('configuration', 'change', 'message'),
    [
        (SMALL, {'backbone': 'vgg16'}, "backbone is 'vgg16'; expected one of "),
        (SMALL, {'channels': 100}, 'channels is 100; expected a positive multiple of head_c'),
        (SMALL, {'maximum_frames': 0}, 'maximum_frames is 0; expected at least 1'),
        (SMALL, {'input_size': (100, 128)}, r'input_size is \(100, 128\); .* multiples of 32'),
        (SMALL, {'action_names': ('press', 'press')}, 'action_names .* no name twice'),
        (SMALL, {'action_activation': 'relu'}, 'action_activation'),
        (SMALL, {'decoder': 'transformer'}, 'decoder'),
        (SMALL, {'image_levels': ('p3', 'p4')}, 'image_levels .* coarse to fine'),
        (SMALL, {'image_levels': ('p4', 'p6')}, 'image_levels'),
        (SMALL, {'video_levels': ()}, 'video_levels'),
        (SMALL, {'video_levels': ('p4', 'p3', 'p2')}, 'video_levels'),
        (SMALL, {'video_levels': ('p1',)}, 'video_levels'),
        (SMALL, {'temporal_strides': (1,)}, 'temporal_strides'),
        (SMALL, {'temporal_strides': (2, 1)}, 'temporal_strides'),
        (SMALL, {'temporal_strides': (1, 3)}, 'temporal_strides'),
        (SMALL, {'temporal_strides': (0, 1)}, 'temporal_strides'),
        (SMALL, {'spatial_strides': (1, 2, 2)}, 'spatial_strides'),
        (SMALL, {'spatial_strides': (0,)}, 'spatial_strides'),
        (SMALL, {'spatial_strides': (1, 3)}, 'spatial_strides .* divisors'),
        (SMALL, {'video_encoder': 'separate_last_block'}, 'video_encoder .* other than vitdet_b'),
        (SMALL, {'input_projection': 'linear'}, 'input_projection'),
        (SMALL, {'video_projection': 'none'}, 'video_projection'),
        (SMALL, {'decoder_blocks': 'per_level'}, 'decoder_blocks'),
        (SMALL, {'residual': 'video'}, 'residual'),
        (SMALL, {'decoder': 'deconvolution'}, 'a single one for the decoder deconvolution'),
        (CROSS, {'temporal_strides': (2,)}, 'temporal_strides .* for the decoder cross_att'),
        (CROSS, {'spatial_strides': (2,)}, 'spatial_strides .* for the decoder cross_att'),
        (CROSS, {'decoder_blocks': 'per_step'}, 'decoder_blocks .* for the decoder cross_att'),
        (CROSS, {'residual': 'image'}, 'residual .* for the decoder cross_att'),
        (COARSE, {'decoder': 'image_only'}, r"video_levels .*'p4',\) for the decoder image_only"),
        (
            SMALL,
            {'video_encoder': 'separate', 'video_projection': 'separate'},
            'video_projection .* where the video_encoder is not',
        ),
        (SMALL, {'temporal_strides': (2, 2)}, 'action_pooling .* first temporal or spatial'),
        (SMALL, {'spatial_strides': (2,)}, 'action_pooling .* first temporal or spatial'),
        (COARSE, {'decoder': 'deconvolution'}, "action_pooling .*'deconvolution'"),
        (COARSE, {'decoder': 'lstm'}, "action_pooling .* for the decoders .*'lstm'"),
        (afformer_r50(ACTIONS), {'action_pooling': 'heatmap'}, 'action_pooling'),
        (released_vitdet_b(ACTIONS), {'channels': 256}, 'channels .* over vitdet_b'),
        (released_vitdet_b(ACTIONS), {'image_levels': ('p5',)}, 'image_levels .* over vitdet_b'),
        (afformer_vitdet_b(ACTIONS), {'input_size': (96, 128)}, 'multiples of 64'),
        (afformer_vitdet_b(ACTIONS), {'input_projection': 'shared'}, 'input_projection'),
        (PLAIN, {'input_size': (112, 70)}, r'input_size is \(112, 70\); .* multiples of 28'),
        (PLAIN, {'stage_strides': (), 'stage_channels': ()}, 'stage_strides is '),
        (PLAIN, {'stage_strides': (32, 12), 'stage_channels': (8, 8)}, 'stage_strides is '),
        (PLAIN, {'stage_strides': (16, 32), 'stage_channels': (8, 8)}, 'stage_strides is '),
        (PLAIN, {'stage_strides': (32, 16), 'stage_channels': (8,)}, 'stage_channels is '),
        (PLAIN, {'backbone': 'resnet50'}, 'stage_strides is .* none for resnet50'),
    ],
)
def test_a_field_out_of_range_is_named(
    configuration: AfformerConfiguration, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(configuration, **change)


@pytest.mark.parametrize('configuration', [SMALL, PLAIN, released_vitdet_b(ACTIONS)])
def test_json_gives_the_same_configuration(configuration: AfformerConfiguration) -> None:
    fields = json.loads(json.dumps(configuration.to_json()))

    assert AfformerConfiguration.from_json(fields) == configuration


def test_a_description_of_before_the_variants_is_read() -> None:
    fields = SMALL.to_json()
    for name in ('decoder', 'video_encoder', 'input_projection', 'decoder_blocks', 'residual'):
        del fields[name]

    assert AfformerConfiguration.from_json(fields) == SMALL


def test_levels_of_a_plain_vit_have_the_stride_of_its_patch() -> None:
    assert PLAIN.level_sizes == ((4, 6), (16, 24))
    assert PLAIN.memory_sizes == ((16, 24), (16, 24))
    assert PLAIN.heatmap_size == (128, 192)
