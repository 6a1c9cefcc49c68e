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
    is_plain_vit,
    level_size,
    stage_channels,
)
from afformer_core.models.configuration_json import fields_from_json

STAGES = ('p5', 'p4', 'p3')
"""Names of the backbone stages of a matching network, coarse to fine; pN has stride 2**N."""
COMPARED_STAGES = 2
"""Number of stages whose features are compared, from the coarsest."""
# The contact head normalises its channels in groups of eight.
_GROUPS = 8
_STRIDE = 32
_TUPLES = ('input_size', 'long_sides', 'stage_strides', 'stage_channels')

StageShape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class MatchingConfiguration:
    """The architecture of a matching network: a backbone, and a contact head over its stages.

    Attributes:
        backbone: `resnet50`, `efficientnet_lite0`, or `timm:` and the name of a model of timm.
        input_size: (height, width) of the frames in which the contact head finds the contact;
            multiples of 32, or of twice the patch size of a plain ViT.
        maximum_frames: maximum number of frames of a demonstration, T; at least 1.
        contact_channels: width of the contact head, a multiple of 8.
        long_sides: longer sides of the sizes at which images are compared, with their aspect kept,
            ascending multiples of 32; empty for a backbone that accepts only the input size, at
            which they are then compared.
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
    long_sides: tuple[int, ...] = ()
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
        sides = self.long_sides
        if list(sides) != sorted({side for side in sides if side > 0 and not side % _STRIDE}):
            raise ValueError(
                f'long_sides is {sides}; expected ascending multiples of {_STRIDE}, or none'
            )
        if sides and is_plain_vit(self):
            raise ValueError(
                f'long_sides is {sides}; expected none for {self.backbone}, which computes images '
                'of its input size only'
            )

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

    def scales(self, image_size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """Return the sizes (height, width) at which an image of (height, width) is compared."""
        if not self.long_sides:
            return (self.input_size,)
        shares = [side / max(image_size) for side in image_size]
        return tuple(
            (_rounded(side * shares[0]), _rounded(side * shares[1])) for side in self.long_sides
        )

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


def _rounded(side: float) -> int:
    """Round a side to a multiple of the coarsest stride, at least one."""
    return max(_STRIDE, round(side / _STRIDE) * _STRIDE)
