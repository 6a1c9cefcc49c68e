# SPDX-License-Identifier: Apache-2.0
"""Checks of the fields of a configuration, individually and in combination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afformer_core.models.backbone_levels import (
    BACKBONE_LEVELS,
    TIMM_PREFIX,
    BackboneFields,
    backbone_levels,
    input_step,
    is_plain_vit,
    is_timm,
    level_size,
)

if TYPE_CHECKING:
    from afformer_core.models.configuration import AfformerConfiguration

# Decoders whose memory is a single vector, or empty.
EMBEDDING_DECODERS = ('lstm', 'conv_lstm', 'attended_conv_lstm', 'image_only')
# Decoders that discard positions within frames.
POOLED_DECODERS = ('deconvolution', *EMBEDDING_DECODERS)
DECODERS = ('fine_grained', 'cross_attention', *POOLED_DECODERS)
VIDEO_ENCODERS = ('shared', 'separate', 'separate_last_block')
INPUT_PROJECTIONS = ('per_level', 'shared')
VIDEO_PROJECTIONS = ('shared', 'separate')
DECODER_BLOCKS = ('shared', 'per_step')
RESIDUALS = ('image_and_decoding', 'image')
ACTION_ACTIVATIONS = ('softmax', 'sigmoid')
ACTION_POOLINGS = ('mean', 'heatmap', 'frames')
_CHOICES = {
    'decoder': DECODERS,
    'video_encoder': VIDEO_ENCODERS,
    'input_projection': INPUT_PROJECTIONS,
    'video_projection': VIDEO_PROJECTIONS,
    'decoder_blocks': DECODER_BLOCKS,
    'residual': RESIDUALS,
    'action_activation': ACTION_ACTIVATIONS,
    'action_pooling': ACTION_POOLINGS,
}


def check_configuration(configuration: AfformerConfiguration) -> None:
    """Check every field of a configuration.

    Raises:
        ValueError: a field is outside its range; the message names field, value and range.
    """
    for name, values in _CHOICES.items():
        value = getattr(configuration, name)
        _require(value in values, name, value, f'one of {values}')
    check_backbone(configuration)
    _check_sizes(configuration)
    _check_levels(configuration)
    _check_decoder(configuration)
    _check_encoder(configuration)
    _check_actions(configuration)


def check_backbone(configuration: BackboneFields) -> None:
    """Check the fields that describe a backbone.

    Raises:
        ValueError: see `check_configuration`.
    """
    name, strides = configuration.backbone, configuration.stage_strides
    _require(
        name in BACKBONE_LEVELS or is_timm(name),
        'backbone',
        name,
        f"one of {tuple(BACKBONE_LEVELS)}, or '{TIMM_PREFIX}' and the name of a model of timm",
    )
    channels = configuration.stage_channels
    if not is_timm(name):
        _require((strides, channels) == ((), ()), 'stage_strides', strides, f'none for {name}')
        return
    falling = len(strides) > 1 and list(strides) == sorted(set(strides), reverse=True)
    _require(
        len(strides) == 1 or (falling and all(4 <= n <= 64 and _is_power(n) for n in strides)),
        'stage_strides',
        strides,
        f'those of {name}, one or falling powers of two. Take them from timm_fields',
    )
    _require(
        len(strides) == len(channels) > 0 and min(*strides, *channels) > 0,
        'stage_channels',
        channels,
        f'those of {name}, one for each of stage_strides {strides}. Take them from timm_fields',
    )


def _is_power(number: int) -> bool:
    return number > 0 and number.bit_count() == 1


def _check_sizes(configuration: AfformerConfiguration) -> None:
    channels, heads = configuration.channels, configuration.head_channels
    _require(
        channels > 0 and channels % heads == 0,
        'channels',
        channels,
        f'a positive multiple of head_channels {heads}',
    )
    frames = configuration.maximum_frames
    _require(frames >= 1, 'maximum_frames', frames, 'at least 1')
    step = input_step(configuration)
    size = configuration.input_size
    _require(
        len(size) == 2 and all(n > 0 and n % step == 0 for n in size),
        'input_size',
        size,
        f'a positive (height, width) in multiples of {step}',
    )


def _check_levels(configuration: AfformerConfiguration) -> None:
    levels, images = backbone_levels(configuration), configuration.image_levels
    known = all(level in levels for level in images)
    _require(
        len(images) > 0 and known and list(images) == sorted(images, key=levels.index),
        'image_levels',
        images,
        f'at least one of {levels}, coarse to fine',
    )
    videos = configuration.video_levels
    _require(
        len(videos) in (1, len(images)) and all(level in levels for level in videos),
        'video_levels',
        videos,
        f'one of {levels}, or one for each of the {len(images)} image_levels',
    )
    strides = configuration.temporal_strides
    _require(
        len(strides) == len(images)
        and all(_is_power(n) for n in strides)
        and list(strides) == sorted(strides),
        'temporal_strides',
        strides,
        f'a power of two for each of the {len(images)} image_levels, none below the one before',
    )
    _check_spatial_strides(configuration)


def _check_spatial_strides(configuration: AfformerConfiguration) -> None:
    strides, number = configuration.spatial_strides, len(configuration.image_levels)
    _require(
        len(strides) in (1, number) and all(stride >= 1 for stride in strides),
        'spatial_strides',
        strides,
        f'a number from 1 on, or one for each of the {number} image_levels',
    )
    for step in configuration.steps:
        size = level_size(configuration, step.video_level)
        _require(
            all(side % step.spatial_stride == 0 for side in size),
            'spatial_strides',
            strides,
            f'divisors of the grid {size} of {step.video_level}',
        )


def _check_decoder(configuration: AfformerConfiguration) -> None:
    decoder = configuration.decoder
    if decoder != 'fine_grained':
        for name, only, text in (
            ('image_levels', configuration.image_levels[:1], 'a single one'),
            ('temporal_strides', (1,), '(1,)'),
            ('spatial_strides', (1,), '(1,)'),
            ('decoder_blocks', 'shared', "'shared'"),
            ('residual', 'image_and_decoding', "'image_and_decoding'"),
        ):
            value = getattr(configuration, name)
            _require(value == only, name, value, f'{text} for the decoder {decoder}')
    if decoder == 'image_only':
        levels = configuration.video_levels
        expected = configuration.image_levels
        _require(
            levels == expected, 'video_levels', levels, f'image_levels {expected} for image_only'
        )
    if (configuration.backbone, decoder) == ('vitdet_b', 'cross_attention'):
        found = configuration.channels, configuration.image_levels, configuration.video_levels
        expected_of_all = 768, ('p4',), ('p5',)
        _require(
            found == expected_of_all,
            '(channels, image_levels, video_levels)',
            found,
            f'{expected_of_all} for cross_attention over vitdet_b, whose map it takes as it is',
        )


def _check_encoder(configuration: AfformerConfiguration) -> None:
    backbone, video_encoder = configuration.backbone, configuration.video_encoder
    _require(
        backbone == 'vitdet_b' or video_encoder != 'separate_last_block',
        'video_encoder',
        video_encoder,
        "'shared' or 'separate' for a backbone other than vitdet_b",
    )
    plain = is_plain_vit(configuration)
    if plain:
        _require(
            configuration.input_projection == 'per_level',
            'input_projection',
            configuration.input_projection,
            f"'per_level' for {backbone}, whose levels are computed from a single map",
        )
    _require(
        configuration.video_projection == 'shared' or (not plain and video_encoder == 'shared'),
        'video_projection',
        configuration.video_projection,
        "'shared' for a plain ViT, and where the video_encoder is not shared",
    )


def _check_actions(configuration: AfformerConfiguration) -> None:
    names, each = configuration.action_names, configuration.heatmap_per_action
    _require(
        (len(names) > 0 or not each) and len(set(names)) == len(names),
        'action_names',
        names,
        'no name twice, and with a heatmap for each action at least one',
    )
    pooling = configuration.action_pooling
    _require(
        pooling == 'mean' or not each,
        'action_pooling',
        pooling,
        "'mean' with a heatmap for each action",
    )
    keeps_frames = (
        configuration.decoder not in POOLED_DECODERS
        and configuration.temporal_strides[0] == configuration.spatial_strides[0] == 1
    )
    _require(
        pooling != 'frames' or keeps_frames,
        'action_pooling',
        pooling,
        f"'mean' or 'heatmap' for the decoders {POOLED_DECODERS}, and for a first temporal or "
        'spatial stride above 1',
    )


def _require(holds: bool, field: str, value: object, expected: str) -> None:
    if not holds:
        raise ValueError(f'{field} is {value!r}; expected {expected}')
