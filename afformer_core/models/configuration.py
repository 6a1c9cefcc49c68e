# SPDX-License-Identifier: Apache-2.0
"""The configuration of an Afformer, with everything needed to build it without its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from afformer_core.models.backbone_levels import (
    Rule,
    backbone_levels,
    backbone_rules,
    check,
    input_step,
    is_plain_vit,
    is_power,
    level_size,
)

if TYPE_CHECKING:
    from typing_extensions import Self

Shape = tuple[int, int, int]
# Decoders whose memory is a single vector, or empty.
EMBEDDING_DECODERS = ('lstm', 'conv_lstm', 'attended_conv_lstm', 'image_only')
# Decoders that discard positions within frames.
POOLED_DECODERS = ('deconvolution', *EMBEDDING_DECODERS)
DECODERS = ('fine_grained', 'cross_attention', *POOLED_DECODERS)
_CHOICES = {
    'decoder': DECODERS,
    'video_encoder': ('shared', 'separate', 'separate_last_block'),
    'input_projection': ('per_level', 'shared'),
    'video_projection': ('shared', 'separate'),
    'decoder_blocks': ('shared', 'per_step'),
    'residual': ('image_and_decoding', 'image'),
    'action_activation': ('softmax', 'sigmoid'),
    'action_pooling': ('mean', 'heatmap', 'frames'),
}


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


class StoredConfiguration:
    """A data class that model folders store as JSON."""

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON types."""
        return asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Build a configuration from the result of `to_json`.

        Raises:
            ValueError: a field is missing, unknown, or outside its range.
        """
        declared = fields(cls)  # type: ignore[arg-type]
        needed = {field.name for field in declared if field.default is MISSING}
        unknown = sorted(set(content) - {field.name for field in declared})
        if (missing := sorted(needed - set(content))) or unknown:
            raise ValueError(
                f'architecture lacks the fields {missing} and has the unknown fields {unknown}; '
                f'expected the fields of {cls.__name__}'
            )
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in content.items()
            }
        )


@dataclass(frozen=True)
class AfformerConfiguration(StoredConfiguration):
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
        check(self, _rules(self))

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
        return sum(self.channels * scale**2 for scale in self.frame_scales)

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


def _rules(configuration: AfformerConfiguration) -> Iterator[Rule]:
    for name, values in _CHOICES.items():
        yield name, getattr(configuration, name) in values, f'one of {values}'
    yield from backbone_rules(configuration)
    channels, heads = configuration.channels, configuration.head_channels
    told = f'a positive multiple of head_channels {heads}'
    yield 'channels', channels > 0 and channels % heads == 0, told
    yield 'maximum_frames', configuration.maximum_frames >= 1, 'at least 1'
    step, size = input_step(configuration), configuration.input_size
    told = f'a positive (height, width) in multiples of {step}'
    yield 'input_size', len(size) == 2 and all(n > 0 and n % step == 0 for n in size), told
    yield from _rules_of_levels(configuration)
    yield from _rules_of_decoder(configuration)
    yield from _rules_of_encoder(configuration)
    yield from _rules_of_actions(configuration)


def _rules_of_levels(configuration: AfformerConfiguration) -> Iterator[Rule]:
    levels, images = backbone_levels(configuration), configuration.image_levels
    known = len(images) > 0 and all(level in levels for level in images)
    ordered = known and list(images) == sorted(images, key=levels.index)
    yield 'image_levels', ordered, f'at least one of {levels}, coarse to fine'
    videos, number = configuration.video_levels, len(images)
    known = len(videos) in (1, number) and all(level in levels for level in videos)
    told = f'one of {levels}, or one for each of the {number} image_levels'
    yield 'video_levels', known, told
    strides = configuration.temporal_strides
    rising = list(strides) == sorted(strides) and all(is_power(n) for n in strides)
    told = f'a power of two for each of the {number} image_levels, none below the one before'
    yield 'temporal_strides', len(strides) == number and rising, told
    strides = configuration.spatial_strides
    told = f'a number from 1 on, or one for each of the {number} image_levels'
    fitting = len(strides) in (1, number) and all(stride >= 1 for stride in strides)
    yield 'spatial_strides', fitting, told
    for decoding in configuration.steps:
        size = level_size(configuration, decoding.video_level)
        divided = all(side % decoding.spatial_stride == 0 for side in size)
        told = f'divisors of the grid {size} of {decoding.video_level}'
        yield 'spatial_strides', divided, told


def _rules_of_decoder(configuration: AfformerConfiguration) -> Iterator[Rule]:
    decoder, images = configuration.decoder, configuration.image_levels
    only: dict[str, object] = {}
    if decoder != 'fine_grained':
        yield 'image_levels', len(images) == 1, f'a single one for the decoder {decoder}'
        only = {
            'temporal_strides': (1,),
            'spatial_strides': (1,),
            'decoder_blocks': 'shared',
            'residual': 'image_and_decoding',
        }
    if decoder == 'image_only':
        only['video_levels'] = images
    for name, value in only.items():
        given = getattr(configuration, name)
        yield name, given == value, f'{value!r} for the decoder {decoder}'
    if (configuration.backbone, decoder) == ('vitdet_b', 'cross_attention'):
        for name, value in (
            ('channels', 768),
            ('image_levels', ('p4',)),
            ('video_levels', ('p5',)),
        ):
            told = f'{value!r} for cross_attention over vitdet_b, whose map it takes as it is'
            yield name, getattr(configuration, name) == value, told


def _rules_of_encoder(configuration: AfformerConfiguration) -> Iterator[Rule]:
    backbone, video_encoder = configuration.backbone, configuration.video_encoder
    told = "'shared' or 'separate' for a backbone other than vitdet_b"
    own_block = video_encoder == 'separate_last_block'
    yield 'video_encoder', backbone == 'vitdet_b' or not own_block, told
    plain = is_plain_vit(configuration)
    told = f"'per_level' for {backbone}, whose levels are computed from a single map"
    yield 'input_projection', not plain or configuration.input_projection == 'per_level', told
    told = "'shared' for a plain ViT, and where the video_encoder is not shared"
    shared = configuration.video_projection == 'shared'
    yield 'video_projection', shared or (not plain and video_encoder == 'shared'), told


def _rules_of_actions(configuration: AfformerConfiguration) -> Iterator[Rule]:
    names, apart = configuration.action_names, configuration.heatmap_per_action
    named = (len(names) > 0 or not apart) and len(set(names)) == len(names)
    told = 'no name twice, and with a heatmap for each action at least one'
    yield 'action_names', named, told
    pooling = configuration.action_pooling
    yield 'action_pooling', pooling == 'mean' or not apart, "'mean' with a heatmap for each action"
    keeps_frames = (
        configuration.decoder not in POOLED_DECODERS
        and configuration.temporal_strides[0] == configuration.spatial_strides[0] == 1
    )
    told = (
        f"'mean' or 'heatmap' for the decoders {POOLED_DECODERS}, and for a first temporal or "
        'spatial stride above 1'
    )
    yield 'action_pooling', pooling != 'frames' or keeps_frames, told
