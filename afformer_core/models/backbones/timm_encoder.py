# SPDX-License-Identifier: Apache-2.0
"""Encoders whose backbone is a timm model, with a suitable pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import FeaturePyramidNetwork

from afformer_core.models.backbone_levels import backbone_levels, is_plain_vit
from afformer_core.models.backbones.convolutional_backbone import StagesAlone, backbone_with_fpn
from afformer_core.models.backbones.encoder import BackboneWithPyramid, Encoder
from afformer_core.models.backbones.simple_pyramid import SimpleFeaturePyramid
from afformer_core.models.backbones.timm_body import TimmMaps, TimmStages, create_network
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration


class PlainVitBackbone(BackboneWithPyramid):
    """A plain ViT of timm with the simple feature pyramid.

    Args:
        body: network from normalised images to one map.
        fpn: pyramid over that map.
    """

    fpn: SimpleFeaturePyramid
    stages = ('p4',)

    def __init__(self, body: TimmMaps, fpn: SimpleFeaturePyramid) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the only stage of images (see `BackboneWithPyramid.backbone`)."""
        found: tuple[Tensor, ...] = self.body(images)
        return found

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute pyramid levels by name (see `BackboneWithPyramid.pyramid`)."""
        return self.fpn(stages[0], levels)


class PlainVitStages(BackboneWithPyramid):
    """The maps of a plain ViT as stages for a matching network, without parameters.

    p4 is the last map, and p5 its mean over 2 x 2 positions. p3 is the map halfway through the
    network, enlarged twice, which contains more spatial than semantic information.

    Args:
        body: network from normalised images to the map halfway and the last map.
    """

    stages = ('p3', 'p4', 'p5')

    def __init__(self, body: TimmMaps) -> None:
        super().__init__()
        self.body = body
        self.fpn = nn.Identity()

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the three stages of images (see `BackboneWithPyramid.backbone`)."""
        halfway, last = self.body(images)
        enlarged = functional.interpolate(
            halfway, scale_factor=2, mode='bilinear', align_corners=False
        )
        return enlarged, last, functional.avg_pool2d(last, kernel_size=2)

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Select stages by name (see `BackboneWithPyramid.pyramid`)."""
        return tuple(stages[self.stages.index(level)] for level in levels)


def timm_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Build the encoder of a timm model, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that the encoder must provide.

    Raises:
        ValueError: timm has no such model, or cannot build it for this input size.
    """
    plain = is_plain_vit(configuration)
    network = create_network(configuration.backbone, configuration.input_size, plain)
    description = network.pretrained_cfg
    if plain:
        fpn = SimpleFeaturePyramid(configuration.stage_channels[0], configuration.channels, levels)
        backbone: BackboneWithPyramid = PlainVitBackbone(TimmMaps(network, (1.0,)), fpn)
    else:
        backbone = _hierarchical(configuration, levels, network)
    used = configuration.image_levels, configuration.frame_levels
    return Encoder(backbone, *used, description['mean'], description['std'])


def timm_stages(configuration: MatchingConfiguration) -> Encoder:
    """Build the encoder of a matching network on a timm model, with random weights.

    Its levels are the stages of the backbone.

    Args:
        configuration: the architecture.

    Raises:
        ValueError: timm has no such model, or cannot build it for this input size.
    """
    plain = is_plain_vit(configuration)
    network = create_network(configuration.backbone, configuration.input_size, plain)
    levels = configuration.image_levels
    if plain:
        backbone: BackboneWithPyramid = PlainVitStages(TimmMaps(network, (0.5, 1.0)))
    else:
        every = backbone_levels(configuration)
        stages = every[: every.index(min(levels)) + 1][::-1]
        strides = configuration.stage_strides[: len(stages)][::-1]
        backbone = StagesAlone(TimmStages(network, strides), stages, ())
    description = network.pretrained_cfg
    return Encoder(backbone, levels, levels, description['mean'], description['std'])


def _hierarchical(
    configuration: AfformerConfiguration, levels: Sequence[str], network: nn.Module
) -> BackboneWithPyramid:
    every = backbone_levels(configuration)
    # Stages finer than the requested ones are not used.
    count = every.index(min(levels)) + 1
    stages = every[:count][::-1]
    body = TimmStages(network, configuration.stage_strides[:count][::-1])
    fpn = FeaturePyramidNetwork(
        list(configuration.stage_channels[:count][::-1]),
        configuration.channels,
        norm_layer=partial(nn.GroupNorm, 8),
    )
    return backbone_with_fpn(configuration, body, fpn, stages, (), levels)
