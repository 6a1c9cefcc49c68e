# SPDX-License-Identifier: Apache-2.0
"""Encoders with a plain ViT: the paper's ViTDet-B, the released one, and those of timm.

In the released one the last block is separate for images and frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.backbones.simple_pyramid import (
    MapAndReduction,
    PlainVitBackbone,
    SimpleFeaturePyramid,
)
from afformer_core.models.backbones.timm_body import TimmMap, create_network
from afformer_core.models.backbones.vitdet import (
    CHANNELS,
    DEPTH,
    PATCH,
    VisionTransformer,
    freeze_block_tables,
    in_parts,
    through,
    vit_block,
)
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.layers.attention import Size

# detectron2 gives them for values up to 255.
_MEAN = (123.675 / 255, 116.28 / 255, 103.53 / 255)
_STD = (58.395 / 255, 57.12 / 255, 57.375 / 255)


class SeparateLastBlockEncoder(Encoder):
    """An encoder that shares all blocks but the last between images and frames.

    Args:
        backbone_with_fpn: the shared backbone, without the last block, and the pyramid.
        configuration: the architecture.
    """

    def __init__(
        self, backbone_with_fpn: PlainVitBackbone, configuration: AfformerConfiguration
    ) -> None:
        levels = configuration.image_levels, configuration.frame_levels
        super().__init__(backbone_with_fpn, *levels, _MEAN, _STD)
        self.image_block = vit_block(DEPTH - 1, _grid(configuration))
        self.video_block = vit_block(DEPTH - 1, _grid(configuration))

    def levels(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Compute the image levels, through the last block of images (see `Encoder.levels`)."""
        return super().levels(_through(self.image_block, stages))

    def features(self, stages: Sequence[Tensor]) -> Tensor:
        """Compute the features of frames, through their last block (see `Encoder.features`)."""
        return super().features(_through(self.video_block, stages))

    def levels_and_features(self, stages: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        """Compute both from the shared stages (see `Encoder.levels_and_features`)."""
        return self.levels(stages), self.features(stages)

    def freeze_tables(self) -> None:
        """Compute once what depends only on the input size, also for the two last blocks."""
        super().freeze_tables()
        freeze_block_tables(self.image_block)
        freeze_block_tables(self.video_block)


def vitdet_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Build the encoder of a ViTDet-B, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that the encoder must provide.
    """
    fpn = (
        MapAndReduction(CHANNELS, levels)
        if configuration.decoder == 'cross_attention'
        else SimpleFeaturePyramid(CHANNELS, configuration.channels, levels)
    )
    grid = _grid(configuration)
    if configuration.video_encoder == 'separate_last_block':
        shared = VisionTransformer(grid, DEPTH - 1)
        return SeparateLastBlockEncoder(PlainVitBackbone(shared, fpn), configuration)
    backbone = PlainVitBackbone(VisionTransformer(grid), fpn)
    used = configuration.image_levels, configuration.frame_levels
    return Encoder(backbone, *used, _MEAN, _STD)


def timm_vit_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Build the encoder of a plain ViT of timm, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that the encoder must provide.

    Raises:
        ValueError: timm has no such model, or cannot build it for this input size.
    """
    network = create_network(configuration.backbone, configuration.input_size, plain=True)
    mean, std = (network.pretrained_cfg[name] for name in ('mean', 'std'))
    fpn = SimpleFeaturePyramid(configuration.stage_channels[0], configuration.channels, levels)
    used = configuration.image_levels, configuration.frame_levels
    return Encoder(PlainVitBackbone(TimmMap(network), fpn), *used, mean, std)


def _through(block: nn.Module, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Apply a block to the only stage, [B, C, height, width]."""
    (stage,) = stages
    positions = stage.shape[-2] * stage.shape[-1]
    images = stage.permute(0, 2, 3, 1)
    return (in_parts(partial(through, block), images, positions).permute(0, 3, 1, 2),)


def _grid(configuration: AfformerConfiguration) -> Size:
    height, width = configuration.input_size
    return height // PATCH, width // PATCH
