# SPDX-License-Identifier: Apache-2.0
"""Configuration of an Afformer: all that it takes to build one before its weights are loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass
from typing import Any

from afformer_core.models.configuration_checks import (
    BACKBONE_LEVELS,
    EMBEDDING_DECODERS,
    POOLED_DECODERS,
    check_configuration,
)

Shape = tuple[int, int, int]
_TUPLES = ('image_levels', 'video_levels', 'temporal_strides', 'input_size', 'action_names')


@dataclass(frozen=True)
class DecodingStep:
    """What the decoder does at once: an image level attends to a video level.

    Attributes:
        image_level: name of the pyramid level of the image.
        video_level: name of the pyramid level of the frames.
        temporal_stride: of so many frames one is attended to.
    """

    image_level: str
    video_level: str
    temporal_stride: int


@dataclass(frozen=True)
class AfformerConfiguration:
    """Architecture of one Afformer (paper, sections 3.1 and 3.2).

    Attributes:
        backbone: one of `BACKBONE_LEVELS`.
        channels: width of the pyramid and of the decoder; a multiple of `head_channels`.
        head_channels: width of one attention head.
        image_levels: pyramid level of the image at each decoding step, coarse to fine, of the
            backbone's `BACKBONE_LEVELS`; a single one for the decoders other than fine_grained.
        video_levels: pyramid level of the frames, one for all steps or one for each (Tables 4a
            and 4b).
        temporal_strides: of how many frames one is attended to at each step: powers of two,
            none below the one before (Table 4c); 1 for the decoders other than fine_grained.
        maximum_frames: the most frames of a demonstration, T; at least 1.
        input_size: (height, width) of images and frames; multiples of 32.
        action_names: names of the actions, in the order of the scores; none of a model that scores
            no actions, as after pre-training without labels.
        heatmap_per_action: one heatmap for each action, or a single one.
        action_activation: 'softmax' (the paper's cross-entropy) or 'sigmoid' (multi-label).
        action_pooling: where actions are read: 'mean' over the image (the paper's), where the
            'heatmap' points, or in the video's 'frames' from what stands there; the latter two
            need a single heatmap, and the last one a decoder that keeps the places of frames and
            first attends to all of them.
        decoder: 'fine_grained' (the paper's), 'cross_attention' (one level without
            self-attention, as the released ViTDet model has it) or one that does not keep where in
            a frame something is: 'deconvolution' (the paper's naive baseline), 'lstm', 'conv_lstm'
            and 'attended_conv_lstm' (Demo2Vec), 'image_only' (Img2heatmap).
        video_encoder: the same encoder for frames and images, or one of their own, backbone and
            pyramid (Table 7a); or the same but for the last block, of ViTDet alone.
        input_projection: the input projection of Table 7b is read as the 3x3 convolution that
            gives a level of the pyramid, since the released model has no other: one 'per_level',
            or 'shared' by all; 'per_level' of ViTDet.
        video_projection: whether images and frames have the same such convolutions, 'shared', or
            frames 'separate' ones (Table 7a); 'shared' of ViTDet.
        decoder_blocks: one block 'shared' by all steps, or one 'per_step' (Table 7b).
        residual: what the self-attention of a step is added to (equation 8):
            'image_and_decoding', the image level and the upsampled decoding of the step before,
            as released; or the 'image' level alone, the decoding being added to the queries of
            the self-attention, as the paper writes it. The former is the default: the released
            checkpoints and the shipped weights are of it.

    Raises:
        ValueError: a field is outside its range; the sentence names field, value and range.
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

    def __post_init__(self) -> None:
        check_configuration(self)

    @property
    def steps(self) -> tuple[DecodingStep, ...]:
        """The decoding steps, in order."""
        repeated = len(self.image_levels) if len(self.video_levels) == 1 else 1
        videos = self.video_levels * repeated
        return tuple(map(DecodingStep, self.image_levels, videos, self.temporal_strides))

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
        """(height, width) of the image level at each step."""
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
    def frame_levels(self) -> tuple[str, ...]:
        """The pyramid levels of a frame that its features are made of, coarse to fine."""
        levels = BACKBONE_LEVELS[self.backbone]
        return tuple(level for level in levels if level in self.video_levels)

    @property
    def feature_size(self) -> tuple[int, int]:
        """(height, width) of the features of a frame: the grid of its coarsest level."""
        return self._size_at(self.frame_levels[0])

    @property
    def frame_scales(self) -> tuple[int, ...]:
        """How many times wider than the coarsest each of `frame_levels` is."""
        coarsest = self.feature_size[0]
        return tuple(self._size_at(level)[0] // coarsest for level in self.frame_levels)

    @property
    def feature_channels(self) -> int:
        """Channels of the features of a frame; finer levels are packed into the coarsest."""
        return sum(self.channels * scale**2 for scale in self.frame_scales)

    @property
    def memory_sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of the places in a frame that each step attends to."""
        if self.decoder in POOLED_DECODERS:
            return ((1, 1),)
        return tuple(self._size_at(step.video_level) for step in self.steps)

    def memory_shapes(self, frames: int) -> tuple[tuple[Shape, Shape], ...]:
        """Shapes of the keys and values at each step, of a demonstration of T frames."""
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
        stride = 2 ** int(level.removeprefix('p'))
        return self.input_size[0] // stride, self.input_size[1] // stride

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
        for name in _TUPLES:
            values[name] = tuple(values[name])
        return cls(**values)
