# SPDX-License-Identifier: Apache-2.0
"""Encoders whose backbone is a timm model, with a suitable pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import nn
from torchvision.ops import FeaturePyramidNetwork

from afformer_core.models.backbone_levels import backbone_levels, is_plain_vit
from afformer_core.models.backbones.convolutional_backbone import (
    ConvolutionalBackbone,
    backbone_with_fpn,
)
from afformer_core.models.backbones.encoder import BackboneWithPyramid, Encoder
from afformer_core.models.backbones.simple_pyramid import PlainVitBackbone, SimpleFeaturePyramid
from afformer_core.models.backbones.timm_body import TimmMap, TimmStages, create_network
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration


def timm_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Build the encoder of a timm model, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that the encoder must provide.

    Raises:
        ValueError: timm has no such model, or cannot build it for this input size.
    """
    used = configuration.image_levels, configuration.frame_levels
    if is_plain_vit(configuration):
        network = create_network(configuration.backbone, configuration.input_size, plain=True)
        fpn = SimpleFeaturePyramid(configuration.stage_channels[0], configuration.channels, levels)
        return _encoder(PlainVitBackbone(TimmMap(network), fpn), *used)
    body, stages = _stages(configuration, levels)
    channels = configuration.stage_channels[: len(stages)][::-1]
    norm = partial(nn.GroupNorm, 8)
    pyramid = FeaturePyramidNetwork(list(channels), configuration.channels, norm_layer=norm)
    return _encoder(backbone_with_fpn(configuration, body, pyramid, stages, (), levels), *used)


def timm_stages(configuration: MatchingConfiguration) -> Encoder:
    """Build the encoder of a matching network on a timm model, with random weights.

    Its levels are the stages of the backbone.

    Args:
        configuration: the architecture.

    Raises:
        ValueError: timm has no such model, or cannot build it for this input size.
    """
    levels = configuration.image_levels
    body, stages = _stages(configuration, levels)
    return _encoder(ConvolutionalBackbone(body, None, stages, ()), levels, levels)


def _stages(
    configuration: AfformerConfiguration | MatchingConfiguration, levels: Sequence[str]
) -> tuple[TimmStages, tuple[str, ...]]:
    """Build the stages up to the finest requested one, and return their names, fine to coarse."""
    names = backbone_levels(configuration)
    count = names.index(min(levels)) + 1
    network = create_network(configuration.backbone, configuration.input_size, plain=False)
    return TimmStages(network, configuration.stage_strides[:count][::-1]), names[:count][::-1]


def _encoder(
    backbone: BackboneWithPyramid, image_levels: Sequence[str], frame_levels: Sequence[str]
) -> Encoder:
    network: Any = backbone.body.network
    mean, std = (network.pretrained_cfg[name] for name in ('mean', 'std'))
    return Encoder(backbone, image_levels, frame_levels, mean, std)
