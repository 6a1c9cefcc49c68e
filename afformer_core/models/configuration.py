# SPDX-License-Identifier: Apache-2.0
"""What an Afformer is made of: everything needed to build one before its weights are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BACKBONES = ('resnet50', 'efficientnet_lite0')
IMAGE_LEVELS = ('p4', 'p3', 'p2')
ACTION_ACTIVATIONS = ('softmax', 'sigmoid')
ACTION_POOLINGS = ('mean', 'heatmap')


@dataclass(frozen=True)
class AfformerConfiguration:
    """Architecture of one Afformer (paper, sections 3.1 and 3.2).

    Attributes:
        backbone: one of `BACKBONES`.
        channels: width of the pyramid and of the decoder; a multiple of `head_channels`.
        head_channels: width of one attention head.
        image_levels: pyramid levels the decoder visits, coarse to fine: a prefix of p4, p3, p2.
        maximum_frames: the most frames of a demonstration, T; at least 1.
        input_size: (height, width) of images and frames; multiples of 32.
        action_names: names of the actions, in the order of the scores.
        heatmap_per_action: one heatmap for each action, or a single one.
        action_activation: 'softmax' (the paper's cross-entropy) or 'sigmoid' (multi-label).
        action_pooling: where actions are read: 'mean' over the image (the paper's), or where the
            'heatmap' points, which needs a single heatmap.

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

    def __post_init__(self) -> None:
        _require(self.backbone in BACKBONES, 'backbone', self.backbone, f'one of {BACKBONES}')
        _require(
            self.channels > 0 and self.channels % self.head_channels == 0,
            'channels',
            self.channels,
            f'a positive multiple of head_channels {self.head_channels}',
        )
        _require(
            len(self.image_levels) > 0
            and self.image_levels == IMAGE_LEVELS[: len(self.image_levels)],
            'image_levels',
            self.image_levels,
            f'a non-empty prefix of {IMAGE_LEVELS}',
        )
        _require(self.maximum_frames >= 1, 'maximum_frames', self.maximum_frames, 'at least 1')
        _require(
            len(self.input_size) == 2 and all(n > 0 and n % 32 == 0 for n in self.input_size),
            'input_size',
            self.input_size,
            'a positive (height, width) in multiples of 32',
        )
        _require(
            len(self.action_names) > 0 and len(set(self.action_names)) == len(self.action_names),
            'action_names',
            self.action_names,
            'at least one name, none twice',
        )
        _require(
            self.action_activation in ACTION_ACTIVATIONS,
            'action_activation',
            self.action_activation,
            f'one of {ACTION_ACTIVATIONS}',
        )
        _require(
            self.action_pooling in ACTION_POOLINGS
            and not (self.action_pooling == 'heatmap' and self.heatmap_per_action),
            'action_pooling',
            self.action_pooling,
            f"one of {ACTION_POOLINGS}, and 'mean' with a heatmap for each action",
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
    def feature_size(self) -> tuple[int, int]:
        """(height, width) of the video features p3, at stride 8."""
        return self.input_size[0] // 8, self.input_size[1] // 8

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> AfformerConfiguration:
        """Build from what `to_json` gave.

        Raises:
            ValueError: a field is missing, unknown, or outside its range.
        """
        known = set(cls.__dataclass_fields__)
        if set(fields) != known:
            missing, unknown = sorted(known - set(fields)), sorted(set(fields) - known)
            raise ValueError(
                f'architecture has missing fields {missing} and unknown fields {unknown}; '
                'it needs exactly the fields of AfformerConfiguration'
            )
        values = dict(fields)
        for name in ('image_levels', 'input_size', 'action_names'):
            values[name] = tuple(values[name])
        return cls(**values)


def _require(holds: bool, field: str, value: object, wanted: str) -> None:
    if not holds:
        raise ValueError(f'{field} is {value!r}; it must be {wanted}')


def afformer_r50(
    action_names: tuple[str, ...], input_size: tuple[int, int] = (256, 256)
) -> AfformerConfiguration:
    """The released ResNet-50 model: 256 channels, three levels, a heatmap for each action."""
    return AfformerConfiguration(
        backbone='resnet50',
        channels=256,
        head_channels=64,
        image_levels=('p4', 'p3', 'p2'),
        maximum_frames=32,
        input_size=input_size,
        action_names=action_names,
        heatmap_per_action=True,
        action_activation='sigmoid',
        action_pooling='mean',
    )


def afformer_small(
    action_names: tuple[str, ...], input_size: tuple[int, int] = (128, 128)
) -> AfformerConfiguration:
    """The small model for CPUs: EfficientNet-Lite0, 96 channels, two levels, one heatmap."""
    return AfformerConfiguration(
        backbone='efficientnet_lite0',
        channels=96,
        head_channels=32,
        image_levels=('p4', 'p3'),
        maximum_frames=8,
        input_size=input_size,
        action_names=action_names,
        heatmap_per_action=False,
        action_activation='softmax',
        action_pooling='heatmap',
    )
