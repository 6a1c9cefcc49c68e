# SPDX-License-Identifier: Apache-2.0
"""The configuration of an Afformer, with everything needed to build it without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from afformer_core.models.backbone_levels import (
    backbone_levels,
    check_backbone,
    input_step,
    is_plain_vit,
    is_power,
    level_size,
    require,
)
from afformer_core.models.configuration_json import fields_from_json

Shape = tuple[int, int, int]
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
_TUPLES = (
    'image_levels',
    'video_levels',
    'temporal_strides',
    'spatial_strides',
    'input_size',
    'action_names',
    'stage_strides',
    'stage_channels',
)


@dataclass(frozen=True)
class DecodingStep:
    """One step of the decoder: an image level that attends to a video level.

    Attributes:
        image_level: name of the pyramid level of the image.
        video_level: name of the pyramid level of the frames.
        temporal_stride: the step attends to every n-th frame.
        spatial_stride: the step attends to means over squares with this many positions per side.
    """

    image_level: str
    video_level: str
    temporal_stride: int
    spatial_stride: int


@dataclass(frozen=True)
class AfformerConfiguration:
    """The architecture of an Afformer (paper, sections 3.1 and 3.2).

    Attributes:
        backbone: one of `BACKBONE_LEVELS`, or `timm:` and the name of a model of timm, such as
            `timm:convnext_tiny.in12k`, which `timm_fields` describes.
        channels: width of the pyramid and of the decoder; a multiple of `head_channels`.
        head_channels: width of one attention head.
        image_levels: pyramid level of the image at each decoding step, coarse to fine, from the
            backbone's `backbone_levels`; a single one for decoders other than fine_grained.
        video_levels: pyramid level of the frames, one for all steps or one for each (Tables 4a and
            4b).
        temporal_strides: each step attends to every n-th frame: powers of two that never decrease
            (Table 4c); 1 for decoders other than fine_grained.
        maximum_frames: maximum number of frames of a demonstration, T; at least 1.
        input_size: (height, width) of images and frames; multiples of the backbone's `input_step`,
            which is 32 for most.
        action_names: names of the actions, in the order of the scores; empty for a model that
            scores no actions, as after pre-training without labels.
        heatmap_per_action: whether there is one heatmap for each action, or a single one.
        action_activation: 'softmax' (the paper's cross-entropy) or 'sigmoid' (multi-label).
        action_pooling: source of the action scores: 'mean' over the image (the paper's), the image
            weighted by the 'heatmap', or the video's 'frames', queried with the image features at
            the heatmap. The latter two need a single heatmap; 'frames' also needs a decoder that
            keeps the positions in frames and whose first step attends to every frame.
        decoder: 'fine_grained' (the paper's), 'cross_attention' (one level without self-attention,
            as in the released ViTDet model) or one that discards positions within frames:
            'deconvolution' (the paper's naive baseline), 'lstm', 'conv_lstm' and
            'attended_conv_lstm' (Demo2Vec), 'image_only' (Img2heatmap).
        video_encoder: 'shared' for the same encoder of frames and images, 'separate' for a
            separate backbone and pyramid of frames (Table 7a), or 'separate_last_block' to share
            everything except the last block, for ViTDet only.
        input_projection: the 3x3 convolutions that compute the levels of the pyramid: one
            'per_level', or one 'shared' by all. The input projection of Table 7b is assumed to be
            this convolution, because the released model has no other. A plain ViT needs
            'per_level'.
        video_projection: whether these convolutions are 'shared' by images and frames or
            'separate' (Table 7a); a plain ViT needs 'shared'.
        decoder_blocks: one block 'shared' by all steps, or one 'per_step' (Table 7b).
        residual: residual to which the self-attention of a step is added (equation 8):
            'image_and_decoding' for the image level plus the upsampled output of the previous
            step, as in the released checkpoints and the shipped weights; 'image' for the image
            level only, with that output added to the queries of the self-attention, as in the
            paper.
        spatial_strides: keys and values of each step are means over squares of a frame with this
            many positions per side, which makes attention faster: one for all steps or one for
            each, divisors of the grid of the step's video level; 1 for the first step if actions
            are pooled from 'frames', and for decoders other than fine_grained.
        stage_strides: strides of the stages of a timm model, coarse to fine: powers of two, or,
            for a plain ViT, only the patch size; empty for other backbones.
        stage_channels: channels of each of these stages.

    Raises:
        ValueError: a field is outside its range; the message names field, value and range.
    """

    backbone: str
    channels: int
    head_channels: int
    image_levels: tuple[str, ...]
    video_levels: tuple[str, ...]
    temporal_strides: tuple[int, ...]
    maximum_frames: int
    input_size: tuple[int, int]
    action_names: tuple[str, ...]
    heatmap_per_action: bool
    action_activation: str
    action_pooling: str
    decoder: str = 'fine_grained'
    video_encoder: str = 'shared'
    input_projection: str = 'per_level'
    video_projection: str = 'shared'
    decoder_blocks: str = 'shared'
    residual: str = 'image_and_decoding'
    spatial_strides: tuple[int, ...] = (1,)
    stage_strides: tuple[int, ...] = ()
    stage_channels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    @property
    def steps(self) -> tuple[DecodingStep, ...]:
        """The decoding steps, in order."""
        number = len(self.image_levels)
        videos = self.video_levels * (number if len(self.video_levels) == 1 else 1)
        strides = self.spatial_strides * (number if len(self.spatial_strides) == 1 else 1)
        return tuple(map(DecodingStep, self.image_levels, videos, self.temporal_strides, strides))

    @property
    def heads(self) -> int:
        """Number of attention heads."""
        return self.channels // self.head_channels

    @property
    def heatmaps(self) -> int:
        """Number of heatmaps of the model: one, or one for each action."""
        return len(self.action_names) if self.heatmap_per_action else 1

    @property
    def level_sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of the image level at each step."""
        return tuple(self._size_at(level) for level in self.image_levels)

    @property
    def finest_size(self) -> tuple[int, int]:
        """(height, width) of the backbone's finest level, even if no step uses it."""
        return self._size_at(backbone_levels(self)[-1])

    @property
    def heatmap_size(self) -> tuple[int, int]:
        """(height, width) of the heatmap: four times the finest level."""
        return 4 * self.finest_size[0], 4 * self.finest_size[1]

    @property
    def frame_levels(self) -> tuple[str, ...]:
        """The pyramid levels in the features of a frame, coarse to fine."""
        levels = backbone_levels(self)
        return tuple(level for level in levels if level in self.video_levels)

    @property
    def frame_channels(self) -> tuple[int, ...]:
        """Channels of each of `frame_levels`."""
        return (self.channels,) * len(self.frame_levels)

    @property
    def feature_size(self) -> tuple[int, int]:
        """(height, width) of the features of a frame: the grid of its coarsest level."""
        return self._size_at(self.frame_levels[0])

    @property
    def frame_scales(self) -> tuple[int, ...]:
        """Width of each of `frame_levels` as a multiple of the features'."""
        coarsest = self.feature_size[0]
        return tuple(self._size_at(level)[0] // coarsest for level in self.frame_levels)

    @property
    def feature_channels(self) -> int:
        """Channels of the features of a frame; finer levels are packed into the coarsest."""
        levels = zip(self.frame_channels, self.frame_scales, strict=True)
        return sum(channels * scale**2 for channels, scale in levels)

    @property
    def memory_sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of the grid in a frame to which each step attends."""
        if self.decoder in POOLED_DECODERS:
            return ((1, 1),)
        sizes = [(self._size_at(step.video_level), step.spatial_stride) for step in self.steps]
        return tuple((height // stride, width // stride) for (height, width), stride in sizes)

    def memory_shapes(self, frames: int) -> tuple[tuple[Shape, Shape], ...]:
        """Compute the shapes of keys and values at each step, for a demonstration of T frames."""
        if self.decoder == 'deconvolution':
            return (((1, frames, self.channels), (1, frames, self.channels)),)
        if self.decoder in EMBEDDING_DECODERS:
            return (((1, 1, 1), (1, 1, 1 if self.decoder == 'image_only' else self.channels)),)
        shapes = []
        for step, (height, width) in zip(self.steps, self.memory_sizes, strict=True):
            keys = -(-frames // step.temporal_stride) * height * width
            depth = self.head_channels + height + width
            shapes.append(((self.heads, keys, depth), (self.heads, keys, self.head_channels)))
        return tuple(shapes)

    def _size_at(self, level: str) -> tuple[int, int]:
        return level_size(self, level)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> AfformerConfiguration:
        """Build a configuration from the result of `to_json`.

        Raises:
            ValueError: a field is missing, unknown, or outside its range.
        """
        return cls(**fields_from_json(cls, fields, _TUPLES))


def _check(configuration: AfformerConfiguration) -> None:
    """Check every field of a configuration.

    Raises:
        ValueError: a field is outside its range; the message names field, value and range.
    """
    for name, values in _CHOICES.items():
        value = getattr(configuration, name)
        require(value in values, name, value, f'one of {values}')
    check_backbone(configuration)
    _check_sizes(configuration)
    _check_levels(configuration)
    _check_decoder(configuration)
    _check_encoder(configuration)
    _check_actions(configuration)


def _check_sizes(configuration: AfformerConfiguration) -> None:
    channels, heads = configuration.channels, configuration.head_channels
    require(
        channels > 0 and channels % heads == 0,
        'channels',
        channels,
        f'a positive multiple of head_channels {heads}',
    )
    frames = configuration.maximum_frames
    require(frames >= 1, 'maximum_frames', frames, 'at least 1')
    step = input_step(configuration)
    size = configuration.input_size
    require(
        len(size) == 2 and all(n > 0 and n % step == 0 for n in size),
        'input_size',
        size,
        f'a positive (height, width) in multiples of {step}',
    )


def _check_levels(configuration: AfformerConfiguration) -> None:
    levels, images = backbone_levels(configuration), configuration.image_levels
    known = all(level in levels for level in images)
    require(
        len(images) > 0 and known and list(images) == sorted(images, key=levels.index),
        'image_levels',
        images,
        f'at least one of {levels}, coarse to fine',
    )
    videos = configuration.video_levels
    require(
        len(videos) in (1, len(images)) and all(level in levels for level in videos),
        'video_levels',
        videos,
        f'one of {levels}, or one for each of the {len(images)} image_levels',
    )
    strides = configuration.temporal_strides
    require(
        len(strides) == len(images)
        and all(is_power(n) for n in strides)
        and list(strides) == sorted(strides),
        'temporal_strides',
        strides,
        f'a power of two for each of the {len(images)} image_levels, none below the one before',
    )
    _check_spatial_strides(configuration)


def _check_spatial_strides(configuration: AfformerConfiguration) -> None:
    strides, number = configuration.spatial_strides, len(configuration.image_levels)
    require(
        len(strides) in (1, number) and all(stride >= 1 for stride in strides),
        'spatial_strides',
        strides,
        f'a number from 1 on, or one for each of the {number} image_levels',
    )
    for step in configuration.steps:
        size = level_size(configuration, step.video_level)
        require(
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
            require(value == only, name, value, f'{text} for the decoder {decoder}')
    if decoder == 'image_only':
        levels = configuration.video_levels
        expected = configuration.image_levels
        require(
            levels == expected, 'video_levels', levels, f'image_levels {expected} for image_only'
        )
    if (configuration.backbone, decoder) == ('vitdet_b', 'cross_attention'):
        found = configuration.channels, configuration.image_levels, configuration.video_levels
        expected_of_all = 768, ('p4',), ('p5',)
        require(
            found == expected_of_all,
            '(channels, image_levels, video_levels)',
            found,
            f'{expected_of_all} for cross_attention over vitdet_b, whose map it takes as it is',
        )


def _check_encoder(configuration: AfformerConfiguration) -> None:
    backbone, video_encoder = configuration.backbone, configuration.video_encoder
    require(
        backbone == 'vitdet_b' or video_encoder != 'separate_last_block',
        'video_encoder',
        video_encoder,
        "'shared' or 'separate' for a backbone other than vitdet_b",
    )
    plain = is_plain_vit(configuration)
    if plain:
        require(
            configuration.input_projection == 'per_level',
            'input_projection',
            configuration.input_projection,
            f"'per_level' for {backbone}, whose levels are computed from a single map",
        )
    require(
        configuration.video_projection == 'shared' or (not plain and video_encoder == 'shared'),
        'video_projection',
        configuration.video_projection,
        "'shared' for a plain ViT, and where the video_encoder is not shared",
    )


def _check_actions(configuration: AfformerConfiguration) -> None:
    names, each = configuration.action_names, configuration.heatmap_per_action
    require(
        (len(names) > 0 or not each) and len(set(names)) == len(names),
        'action_names',
        names,
        'no name twice, and with a heatmap for each action at least one',
    )
    pooling = configuration.action_pooling
    require(
        pooling == 'mean' or not each,
        'action_pooling',
        pooling,
        "'mean' with a heatmap for each action",
    )
    keeps_frames = (
        configuration.decoder not in POOLED_DECODERS
        and configuration.temporal_strides[0] == configuration.spatial_strides[0] == 1
    )
    require(
        pooling != 'frames' or keeps_frames,
        'action_pooling',
        pooling,
        f"'mean' or 'heatmap' for the decoders {POOLED_DECODERS}, and for a first temporal or "
        'spatial stride above 1',
    )
