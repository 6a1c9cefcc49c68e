# SPDX-License-Identifier: Apache-2.0
"""The ViTDet-B encoders: the paper's, shared, and the released one with two last blocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from afformer_core.models.backbones.encoder import BackboneWithPyramid, Encoder
from afformer_core.models.backbones.simple_pyramid import MapAndReduction, SimpleFeaturePyramid
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

# detectron2's, which are of values up to 255.
_MEAN = (123.675 / 255, 116.28 / 255, 103.53 / 255)
_STD = (58.395 / 255, 57.12 / 255, 57.375 / 255)


class VitDetBackbone(BackboneWithPyramid):
    """A plain ViT and a pyramid over its last map.

    Args:
        body: normalised images to one map of stride 16.
        fpn: map and names of levels to the levels.
    """

    body: VisionTransformer
    stages = ('p4',)

    def __init__(self, body: VisionTransformer, fpn: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """See `BackboneWithPyramid.backbone`."""
        return (self.body(images),)

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """See `BackboneWithPyramid.pyramid`."""
        found: tuple[Tensor, ...] = self.fpn(stages[0], levels)
        return found

    def freeze_tables(self) -> None:
        """See `BackboneWithPyramid.freeze_tables`; here positions, absolute and relative."""
        self.body.freeze_tables()


class SeparateLastBlockEncoder(Encoder):
    """Images and frames share all blocks of the backbone but the last.

    Args:
        backbone_with_fpn: without the last block.
        configuration: the architecture.
    """

    def __init__(
        self, backbone_with_fpn: VitDetBackbone, configuration: AfformerConfiguration
    ) -> None:
        super().__init__(backbone_with_fpn, configuration, _MEAN, _STD)
        self.image_block = vit_block(DEPTH - 1, _grid(configuration))
        self.video_block = vit_block(DEPTH - 1, _grid(configuration))

    def levels(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """See `Encoder.levels`."""
        return super().levels(_through(self.image_block, stages))

    def features(self, stages: Sequence[Tensor]) -> Tensor:
        """See `Encoder.features`."""
        return super().features(_through(self.video_block, stages))

    def levels_and_features(self, stages: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        """See `Encoder.levels_and_features`; only the shared blocks are computed once."""
        return self.levels(stages), self.features(stages)

    def freeze_tables(self) -> None:
        """See `Encoder.freeze_tables`."""
        super().freeze_tables()
        freeze_block_tables(self.image_block)
        freeze_block_tables(self.video_block)


def vitdet_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Encoder of a ViTDet-B, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that are ever asked for.
    """
    fpn = (
        MapAndReduction(CHANNELS, levels)
        if configuration.decoder == 'cross_attention'
        else SimpleFeaturePyramid(CHANNELS, configuration.channels, levels)
    )
    grid = _grid(configuration)
    if configuration.video_encoder == 'separate_last_block':
        shared = VisionTransformer(grid, DEPTH - 1)
        return SeparateLastBlockEncoder(VitDetBackbone(shared, fpn), configuration)
    backbone = VitDetBackbone(VisionTransformer(grid), fpn)
    return Encoder(backbone, configuration, _MEAN, _STD)


def _through(block: nn.Module, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The stage, [B, C, height, width], once another block has seen it."""
    (stage,) = stages
    places = stage.shape[-2] * stage.shape[-1]
    pictures = stage.permute(0, 2, 3, 1)
    return (in_parts(partial(through, block), pictures, places).permute(0, 3, 1, 2),)


def _grid(configuration: AfformerConfiguration) -> Size:
    height, width = configuration.input_size
    return height // PATCH, width // PATCH
