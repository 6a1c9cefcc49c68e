# SPDX-License-Identifier: Apache-2.0
"""The configuration of a matching network, with everything needed to run its graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from afformer_core.models.backbone_levels import (
    backbone_levels,
    check_backbone,
    input_step,
    level_size,
    stage_channels,
)
from afformer_core.models.configuration_json import fields_from_json

STAGES = ('p5', 'p4', 'p3')
"""Names of the backbone stages of a matching network, coarse to fine; pN has stride 2**N."""
COMPARED_STAGES = 2
"""Number of stages whose features are compared, from the coarsest."""
CONTACT_CANDIDATES = 64
"""Number of positions at which a contact is described: the most probable ones."""
# The contact head normalises its channels in groups of eight.
_GROUPS = 8
_TUPLES = ('input_size', 'stage_strides', 'stage_channels')

StageShape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class MatchingConfiguration:
    """The architecture of a matching network: a backbone, and a contact head over its stages.

    Attributes:
        backbone: `resnet50`, `efficientnet_lite0`, or `timm:` and the name of a model of timm.
        input_size: (height, width) of images and frames; multiples of 32, or of twice the patch
            size of a plain ViT.
        maximum_frames: maximum number of frames of a demonstration, T; at least 1.
        contact_channels: width of the contact head, a multiple of 8.
        stage_strides: strides of the stages of a timm model, coarse to fine, or, for a plain ViT,
            only the patch size; empty for other backbones.
        stage_channels: channels of each of these stages.

    Raises:
        ValueError: a field is outside its range; the message names field, value and range.
    """

    backbone: str
    input_size: tuple[int, int]
    maximum_frames: int
    contact_channels: int
    stage_strides: tuple[int, ...] = ()
    stage_channels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_backbone(self)
        if missing := [name for name in STAGES if name not in backbone_levels(self)]:
            raise ValueError(
                f'backbone is {self.backbone!r}, which lacks the stages {missing}; expected one '
                'with strides of 8, 16 and 32'
            )
        if self.maximum_frames < 1:
            raise ValueError(f'maximum_frames is {self.maximum_frames}; expected at least 1')
        if self.contact_channels < 1 or self.contact_channels % _GROUPS:
            raise ValueError(
                f'contact_channels is {self.contact_channels}; expected a multiple of {_GROUPS}'
            )
        step = input_step(self)
        if len(self.input_size) != 2 or any(
            side < step or side % step for side in self.input_size
        ):
            raise ValueError(f'input_size is {self.input_size}; expected multiples of {step}')

    @property
    def image_levels(self) -> tuple[str, ...]:
        """Names of the stages, coarse to fine."""
        return STAGES

    @property
    def video_levels(self) -> tuple[str, ...]:
        """Names of the stages, coarse to fine; frames have the same as images."""
        return STAGES

    @property
    def stage_shapes(self) -> tuple[StageShape, ...]:
        """(C, height, width) of each stage, coarse to fine."""
        return tuple((stage_channels(self, name), *level_size(self, name)) for name in STAGES)

    @property
    def contact_size(self) -> tuple[int, int]:
        """(height, width) of a contact map and of a heatmap: twice the finest compared stage."""
        _, height, width = self.stage_shapes[COMPARED_STAGES - 1]
        return 2 * height, 2 * width

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> MatchingConfiguration:
        """Build a configuration from the result of `to_json`.

        Raises:
            ValueError: a field is missing, unknown, or outside its range.
        """
        return cls(**fields_from_json(cls, content, _TUPLES))
