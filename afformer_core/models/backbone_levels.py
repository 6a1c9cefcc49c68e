# SPDX-License-Identifier: Apache-2.0
"""The pyramid levels of each backbone: names, sizes and channels.

A configuration must provide them without the backbone, because a robot that runs exported graphs
does not import it. Those of a timm model are therefore fields of the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from afformer_core.models.configuration import AfformerConfiguration
    from afformer_core.models.matching.configuration import MatchingConfiguration

    Configuration: TypeAlias = AfformerConfiguration | MatchingConfiguration

Rule = tuple[str, bool, str]
"""A field of a configuration, whether its value is in its range, and the range."""
# Pyramid levels that each backbone offers the decoder, coarse to fine; level pN has stride 2**N.
BACKBONE_LEVELS = {
    'resnet50': ('p5', 'p4', 'p3', 'p2'),
    'efficientnet_lite0': ('p5', 'p4', 'p3', 'p2'),
    'vitdet_b': ('p6', 'p5', 'p4'),
}
# Channels of each stage of the convolutional backbones, before the feature pyramid.
STAGE_CHANNELS = {
    'resnet50': {'p5': 2048, 'p4': 1024, 'p3': 512, 'p2': 256},
    'efficientnet_lite0': {'p5': 320, 'p4': 112, 'p3': 40, 'p2': 24},
}
# Prefix of the names of backbones that timm builds.
TIMM_PREFIX = 'timm:'
# Levels from the map of a plain ViT from timm. The map is p4, with the stride of the patches.
_PLAIN_VIT_LEVELS = ('p6', 'p5', 'p4', 'p3', 'p2')
_MAP_LEVEL = 4


def is_timm(backbone: str) -> bool:
    """Check whether a backbone is a timm model."""
    return backbone.startswith(TIMM_PREFIX)


def is_plain_vit(configuration: Configuration) -> bool:
    """Check whether the backbone computes a single map, from which a simple pyramid is built."""
    return configuration.backbone == 'vitdet_b' or len(configuration.stage_strides) == 1


def backbone_levels(configuration: Configuration) -> tuple[str, ...]:
    """Return the pyramid levels that a backbone offers the decoder, coarse to fine."""
    if not is_timm(configuration.backbone):
        return BACKBONE_LEVELS[configuration.backbone]
    if is_plain_vit(configuration):
        return _PLAIN_VIT_LEVELS
    return tuple(f'p{stride.bit_length() - 1}' for stride in configuration.stage_strides)


def level_size(configuration: Configuration, level: str) -> tuple[int, int]:
    """Return (height, width) of a pyramid level."""
    height, width = configuration.input_size
    number = int(level.removeprefix('p'))
    if len(configuration.stage_strides) != 1:
        return height >> number, width >> number
    (patch,) = configuration.stage_strides
    coarser, finer = max(number - _MAP_LEVEL, 0), max(_MAP_LEVEL - number, 0)
    return height // patch << finer >> coarser, width // patch << finer >> coarser


def input_step(configuration: Configuration) -> int:
    """Return the number of which the sides of the input must be multiples.

    This is the stride of the coarsest level that the backbone computes. For a plain ViT from timm,
    it is the stride of the coarsest used level, and at least the patch size.
    """
    levels = backbone_levels(configuration)
    if len(configuration.stage_strides) != 1:
        return 1 << int(levels[0].removeprefix('p'))
    used = {*configuration.image_levels, *configuration.video_levels}
    coarsest = max((int(level.removeprefix('p')) for level in used), default=_MAP_LEVEL)
    return configuration.stage_strides[0] << max(coarsest - _MAP_LEVEL, 0)


def stage_channels(configuration: MatchingConfiguration, level: str) -> int:
    """Return the channels of a stage, as a matching network reads it."""
    if not is_timm(configuration.backbone):
        return STAGE_CHANNELS[configuration.backbone][level]
    return configuration.stage_channels[backbone_levels(configuration).index(level)]


def backbone_rules(configuration: Configuration) -> Iterator[Rule]:
    """Yield the rules of the fields that describe a backbone, the later for those that keep it."""
    name, strides = configuration.backbone, configuration.stage_strides
    known = f"one of {tuple(BACKBONE_LEVELS)}, or '{TIMM_PREFIX}' and the name of a model of timm"
    yield 'backbone', name in BACKBONE_LEVELS or is_timm(name), known
    channels = configuration.stage_channels
    if not is_timm(name):
        yield 'stage_strides', (strides, channels) == ((), ()), f'none for {name}'
        return
    falling = len(strides) > 1 and list(strides) == sorted(set(strides), reverse=True)
    fitting = len(strides) == 1 or (falling and all(4 <= n <= 64 and is_power(n) for n in strides))
    told = f'those of {name}, one or falling powers of two. Take them from timm_fields'
    yield 'stage_strides', fitting, told
    fitting = len(strides) == len(channels) > 0 and min(*strides, *channels) > 0
    told = f'those of {name}, one for each of stage_strides {strides}. Take them from timm_fields'
    yield 'stage_channels', fitting, told


def is_power(number: int) -> bool:
    """Check whether a number is a power of two."""
    return number > 0 and number.bit_count() == 1


def check(configuration: Configuration, rules: Iterator[Rule]) -> None:
    """Check the rules of a configuration in order.

    Raises:
        ValueError: a field is out of its range; the message names field, value and range.
    """
    for field, holds, expected in rules:
        if not holds:
            raise ValueError(f'{field} is {getattr(configuration, field)!r}; expected {expected}')
