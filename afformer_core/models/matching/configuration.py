# SPDX-License-Identifier: Apache-2.0
"""The configuration of a matching network, with everything needed to run its graphs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from afformer_core.models.backbone_levels import (
    Rule,
    backbone_levels,
    backbone_rules,
    check,
    input_step,
    is_plain_vit,
    level_size,
    stage_channels,
)
from afformer_core.models.configuration import StoredConfiguration

STAGES = ('p5', 'p4', 'p3')
"""Names of the backbone stages of a matching network, coarse to fine; pN has stride 2**N."""
COMPARED_STAGES = 2
"""Number of stages whose features are compared, from the coarsest."""
COARSEST_STRIDE = 32
"""Stride of the coarsest stage."""
# The contact head normalises its channels in groups of eight.
_GROUPS = 8

StageShape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class MatchingConfiguration(StoredConfiguration):
    """The architecture of a matching network: a backbone, and a contact head over its stages.

    Attributes:
        backbone: `resnet50`, `efficientnet_lite0`, or `timm:` and the name of a model of timm with
            stages of decreasing sizes.
        input_size: (height, width) of the frames in which the contact head finds the contact;
            multiples of 32.
        maximum_frames: maximum number of frames of a demonstration, T; at least 1.
        contact_channels: width of the contact head, a multiple of 8.
        long_sides: longer sides of the sizes at which images are compared, with their aspect kept,
            ascending multiples of 32; empty for a backbone that accepts only the input size, at
            which they are then compared.
        stage_strides: strides of the stages of a timm model, coarse to fine; empty for other
            backbones.
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
        check(self, self._rules())

    def _rules(self) -> Iterator[Rule]:
        yield from backbone_rules(self)
        offered = () if is_plain_vit(self) else backbone_levels(self)
        yield 'backbone', set(STAGES) <= set(offered), 'one with stages of strides 8, 16 and 32'
        yield 'maximum_frames', self.maximum_frames >= 1, 'at least 1'
        width = self.contact_channels
        yield 'contact_channels', width > 0 and not width % _GROUPS, f'a multiple of {_GROUPS}'
        step, size = input_step(self), self.input_size
        fits = len(size) == 2 and all(side >= step and not side % step for side in size)
        yield 'input_size', fits, f'multiples of {step}'
        sides = self.long_sides
        rising = list(sides) == sorted(
            {side for side in sides if side > 0 and not side % COARSEST_STRIDE}
        )
        yield 'long_sides', rising, f'ascending multiples of {COARSEST_STRIDE}, or none'

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
