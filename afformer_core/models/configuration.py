# SPDX-License-Identifier: Apache-2.0
"""What an Afformer is made of: everything needed to build one before its weights are loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass
from typing import Any

Shape = tuple[int, int, int]

# Pyramid levels that each backbone has for the decoder, coarse to fine; level pN has stride 2**N.
BACKBONE_LEVELS = {
    'resnet50': ('p4', 'p3', 'p2'),
    'efficientnet_lite0': ('p4', 'p3', 'p2'),
    'vitdet_b': ('p6', 'p5', 'p4'),
}
# Those whose memory is one vector, or nothing.
EMBEDDING_DECODERS = ('lstm', 'conv_lstm', 'attended_conv_lstm', 'image_only')
# Those that do not keep where in a frame something is.
POOLED_DECODERS = ('deconvolution', *EMBEDDING_DECODERS)
DECODERS = ('fine_grained', 'cross_attention', *POOLED_DECODERS)
VIDEO_RESOLUTIONS = ('fixed', 'growing')
VIDEO_ENCODERS = ('shared', 'separate', 'separate_last_block')
ACTION_ACTIVATIONS = ('softmax', 'sigmoid')
ACTION_POOLINGS = ('mean', 'heatmap', 'frames')
_CHOICES = {
    'backbone': tuple(BACKBONE_LEVELS),
    'decoder': DECODERS,
    'action_activation': ACTION_ACTIVATIONS,
}


@dataclass(frozen=True)
class AfformerConfiguration:
    """Architecture of one Afformer (paper, sections 3.1 and 3.2).

    Attributes:
        backbone: one of `BACKBONE_LEVELS`.
        channels: width of the pyramid and of the decoder; a multiple of `head_channels`.
        head_channels: width of one attention head.
        image_levels: pyramid levels the decoder visits, coarse to fine: some of the backbone's
            `BACKBONE_LEVELS`; a single one for the decoders other than fine_grained.
        maximum_frames: the most frames of a demonstration, T; at least 1.
        input_size: (height, width) of images and frames; multiples of 32.
        action_names: names of the actions, in the order of the scores; none of a model that scores
            no actions, as after pre-training without labels.
        heatmap_per_action: one heatmap for each action, or a single one.
        action_activation: 'softmax' (the paper's cross-entropy) or 'sigmoid' (multi-label).
        action_pooling: where actions are read: 'mean' over the image (the paper's), where the
            'heatmap' points, or in the video's 'frames' from what stands there; the latter two
            need a single heatmap, and the last one a decoder that keeps the places of frames.
        decoder: 'fine_grained' (the paper's), 'cross_attention' (one level without
            self-attention, as the released ViTDet model has it) or one that does not keep where in
            a frame something is: 'deconvolution' (the paper's naive baseline), 'lstm', 'conv_lstm'
            and 'attended_conv_lstm' (Demo2Vec), 'image_only' (Img2heatmap).
        temporal_pyramid: whether finer image levels attend to fewer frames, T, T/2, T/4.
        video_resolution: 'fixed', or 'growing' with the image level.
        video_encoder: the same encoder for frames and images, or one of their own; or the same
            but for the last block, of ViTDet alone.
        input_projection: whether each image level is projected before the decoder (Table 7b).

    Raises:
        ValueError: a field is outside its range; the sentence names field, value and range.
    """

    backbone: str
    channels: int
    head_channels: int
    image_levels: tuple[str, ...]
    maximum_frames: int
    input_size: tuple[int, int]
    action_names: tuple[str, ...]
    heatmap_per_action: bool
    action_activation: str
    action_pooling: str
    decoder: str = 'fine_grained'
    temporal_pyramid: bool = True
    video_resolution: str = 'fixed'
    video_encoder: str = 'shared'
    input_projection: bool = False

    def __post_init__(self) -> None:
        for name, values in _CHOICES.items():
            value = getattr(self, name)
            _require(value in values, name, value, f'one of {values}')
        _require(
            self.channels > 0 and self.channels % self.head_channels == 0,
            'channels',
            self.channels,
            f'a positive multiple of head_channels {self.head_channels}',
        )
        levels = BACKBONE_LEVELS[self.backbone]
        _require(
            len(self.image_levels) > 0
            and self.image_levels == tuple(x for x in levels if x in self.image_levels),
            'image_levels',
            self.image_levels,
            f'at least one of {levels}, coarse to fine',
        )
        self._require_a_decoder()
        _require(self.maximum_frames >= 1, 'maximum_frames', self.maximum_frames, 'at least 1')
        _require(
            len(self.input_size) == 2
            and all(n > 0 and n % self._input_step == 0 for n in self.input_size),
            'input_size',
            self.input_size,
            f'a positive (height, width) in multiples of {self._input_step}',
        )
        _require(
            (len(self.action_names) > 0 or not self.heatmap_per_action)
            and len(set(self.action_names)) == len(self.action_names),
            'action_names',
            self.action_names,
            'no name twice, and with a heatmap for each action at least one',
        )
        _require(
            self.action_pooling in ACTION_POOLINGS
            and not (self.action_pooling != 'mean' and self.heatmap_per_action)
            and not (self.action_pooling == 'frames' and self.decoder in POOLED_DECODERS),
            'action_pooling',
            self.action_pooling,
            f"one of {ACTION_POOLINGS}, 'mean' with a heatmap for each action, and not 'frames' "
            f'with the decoders {POOLED_DECODERS}',
        )

    @property
    def heads(self) -> int:
        """Number of attention heads."""
        return self.channels // self.head_channels

    @property
    def heatmaps(self) -> int:
        """Number of heatmaps the model draws: one, or one for each action."""
        return len(self.action_names) if self.heatmap_per_action else 1

    @property
    def level_sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of each image level."""
        return tuple(self._size_at(level) for level in self.image_levels)

    @property
    def finest_size(self) -> tuple[int, int]:
        """(height, width) of the finest level that the backbone has, visited or not."""
        return self._size_at(BACKBONE_LEVELS[self.backbone][-1])

    @property
    def heatmap_size(self) -> tuple[int, int]:
        """(height, width) of the heatmap: four times the finest level."""
        return 4 * self.finest_size[0], 4 * self.finest_size[1]

    @property
    def video_level(self) -> str:
        """The pyramid level of the video features."""
        if self.decoder == 'image_only':
            return self.image_levels[0]
        return BACKBONE_LEVELS[self.backbone][1]

    @property
    def frame_levels(self) -> tuple[str, ...]:
        """The pyramid levels of a frame that its features are made of."""
        return self.image_levels if self.video_resolution == 'growing' else (self.video_level,)

    @property
    def feature_size(self) -> tuple[int, int]:
        """(height, width) of the video features, at stride 8 or, of ViTDet, 32."""
        return self._size_at(self.video_level)

    @property
    def feature_channels(self) -> int:
        """Channels of the video features; levels of other resolutions are packed into them."""
        if self.video_resolution == 'fixed':
            return self.channels
        finer = BACKBONE_LEVELS[self.backbone][-1]
        return sum(4 * self.channels if x == finer else self.channels for x in self.image_levels)

    @property
    def memory_sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of the places in a frame that each image level attends to."""
        if self.decoder in POOLED_DECODERS:
            return ((1, 1),)
        if self.video_resolution == 'growing':
            return self.level_sizes
        return (self.feature_size,) * len(self.image_levels)

    def memory_shapes(self, frames: int) -> tuple[tuple[Shape, Shape], ...]:
        """Shapes of the keys and values at each image level, of a demonstration of T frames."""
        if self.decoder == 'deconvolution':
            return (((1, frames, self.channels), (1, frames, self.channels)),)
        if self.decoder in EMBEDDING_DECODERS:
            return (((1, 1, 1), (1, 1, 1 if self.decoder == 'image_only' else self.channels)),)
        shapes = []
        for level, (height, width) in enumerate(self.memory_sizes):
            shortening = 2**level if self.temporal_pyramid else 1
            keys = -(-frames // shortening) * height * width
            depth = self.head_channels + height + width
            shapes.append(((self.heads, keys, depth), (self.heads, keys, self.head_channels)))
        return tuple(shapes)

    def _size_at(self, level: str) -> tuple[int, int]:
        stride = 2 ** int(level.removeprefix('p'))
        return self.input_size[0] // stride, self.input_size[1] // stride

    @property
    def _input_step(self) -> int:
        """Stride of the coarsest level that the backbone computes."""
        return 64 if self.backbone == 'vitdet_b' else 32

    def _require_a_decoder(self) -> None:
        _require(
            self.decoder == 'fine_grained' or len(self.image_levels) == 1,
            'image_levels',
            self.image_levels,
            f'a single one for the decoder {self.decoder}',
        )
        if (self.backbone, self.decoder) == ('vitdet_b', 'cross_attention'):
            found, wanted = (self.channels, self.image_levels), (768, ('p4',))
            text = f'{wanted} for cross_attention over vitdet_b, whose map it takes as it is'
            _require(found == wanted, '(channels, image_levels)', found, text)
        _require(
            self.video_resolution in VIDEO_RESOLUTIONS
            and (self.decoder == 'fine_grained' or self.video_resolution == 'fixed'),
            'video_resolution',
            self.video_resolution,
            f"one of {VIDEO_RESOLUTIONS}, and 'fixed' for decoders other than fine_grained",
        )
        _require(
            self.video_encoder in VIDEO_ENCODERS
            and (self.backbone == 'vitdet_b' or self.video_encoder != 'separate_last_block'),
            'video_encoder',
            self.video_encoder,
            f"one of {VIDEO_ENCODERS}, and 'separate_last_block' with vitdet_b alone",
        )

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> AfformerConfiguration:
        """Build from what `to_json` gave.

        Raises:
            ValueError: a field is missing, unknown, or outside its range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        needed = {field.name for field in dataclasses.fields(cls) if field.default is MISSING}
        missing, unknown = sorted(needed - set(fields)), sorted(set(fields) - known)
        if missing or unknown:
            raise ValueError(
                f'architecture has missing fields {missing} and unknown fields {unknown}; '
                'it needs the fields of AfformerConfiguration'
            )
        values = dict(fields)
        for name in ('image_levels', 'input_size', 'action_names'):
            values[name] = tuple(values[name])
        return cls(**values)


def _require(holds: bool, field: str, value: object, wanted: str) -> None:
    if not holds:
        raise ValueError(f'{field} is {value!r}; it must be {wanted}')
