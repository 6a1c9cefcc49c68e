# SPDX-License-Identifier: Apache-2.0
"""Encoders with a plain ViT: the paper's ViTDet-B, the released one, and those of timm.

In the released one the last block is separate for images and frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.backbones.encoder import BackboneWithPyramid, Encoder
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
from afformer_core.models.layers.numerics import ChannelNorm

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

    def encode_images_and_features(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Compute both from the shared stages (see `Encoder.encode_images_and_features`)."""
        stages = self.backbone_with_fpn.backbone(self.normalise(images))
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


class PlainVitBackbone(BackboneWithPyramid):
    """A plain ViT with a pyramid from its last feature map.

    Args:
        body: network from normalised images to one map.
        fpn: pyramid from that map and the names of levels to the levels.
    """

    body: Any
    stages = ('p4',)

    def __init__(self, body: nn.Module, fpn: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the only stage of images (see `BackboneWithPyramid.backbone`)."""
        return (self.body(images),)

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute pyramid levels by name (see `BackboneWithPyramid.pyramid`)."""
        found: tuple[Tensor, ...] = self.fpn(stages[0], levels)
        return found

    def freeze_tables(self) -> None:
        """Precompute the positions for the input size (see `BackboneWithPyramid`)."""
        self.body.freeze_tables()


class SimpleFeaturePyramid(nn.Module):
    """ViTDet's simple feature pyramid, which computes each level from the last feature map.

    p4 has the stride of the map, p5 is pooled to half of its size, and p6 is p5 subsampled by two.
    Deconvolutions double the map for p3, and again for p2.

    Args:
        channels_in: channels of the map; a multiple of 4 if p3 or p2 is used.
        channels: channels of each level.
        levels: names of the levels that are used, among p2 to p6.
    """

    def __init__(self, channels_in: int, channels: int, levels: Sequence[str]) -> None:
        super().__init__()
        half, quarter = channels_in // 2, channels_in // 4
        if 'p2' in levels:
            self.p2 = nn.Sequential(
                _doubling(channels_in, half),
                ChannelNorm(half),
                nn.GELU(),
                _doubling(half, quarter),
                *_projection(quarter, channels),
            )
        if 'p3' in levels:
            self.p3 = nn.Sequential(_doubling(channels_in, half), *_projection(half, channels))
        if 'p4' in levels:
            self.p4 = _projection(channels_in, channels)
        if 'p5' in levels or 'p6' in levels:
            self.p5 = _projection(channels_in, channels)

    def forward(self, features: Tensor, levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute levels [B, channels, h, w] by name, of a map [B, channels_in, height, width]."""
        own = [name for name in ('p2', 'p3', 'p4') if name in levels]
        found: dict[str, Tensor] = {name: self.get_submodule(name)(features) for name in own}
        if 'p5' in levels or 'p6' in levels:
            found['p5'] = self.p5(functional.max_pool2d(features, kernel_size=2, stride=2))
        if 'p6' in levels:
            found['p6'] = functional.max_pool2d(found['p5'], kernel_size=1, stride=2)
        return tuple(found[level] for level in levels)


class MapAndReduction(nn.Module):
    """The pyramid of the released ViTDet model: p4 is the map, p5 its convolution with stride 2.

    Args:
        channels: channels of the map and of both levels.
        levels: names of the levels that are used, among p4 and p5.
    """

    def __init__(self, channels: int, levels: Sequence[str]) -> None:
        super().__init__()
        if 'p5' in levels:
            self.v3d = nn.Conv2d(
                channels, channels, kernel_size=3, stride=2, padding=1, bias=False
            )

    def forward(self, features: Tensor, levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute levels by name, each [B, channels, h, w], from [B, channels, height, width]."""
        return tuple(features if level == 'p4' else self.v3d(features) for level in levels)


def _projection(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel_size=1, bias=False),
        ChannelNorm(channels),
        nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
        ChannelNorm(channels),
    )


def _doubling(channels_in: int, channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels_in, channels, kernel_size=2, stride=2)
