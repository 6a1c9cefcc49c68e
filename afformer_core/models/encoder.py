# SPDX-License-Identifier: Apache-2.0
"""The shared encoder (paper, section 3.1): backbone and feature pyramid of image and video."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.level_packing import pack_levels

_STAGES = ('p2', 'p3', 'p4', 'p5')


class BackboneWithPyramid(nn.Module):
    """A backbone's stages and the pyramid over them.

    Args:
        body: images [B, 3, H, W] to a sequence or mapping of stages, fine to coarse.
        fpn: the pyramid over those stages.
        levels: names of the levels that are ever asked for; the finest stage is the finest of
            them.
    """

    def __init__(self, body: nn.Module, fpn: FeaturePyramidNetwork, levels: Sequence[str]) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn
        self.stages = _STAGES[_STAGES.index(min(levels)) :]
        for index, stage in enumerate(self.stages):
            # What nothing reads still feeds the top-down path, but has no output.
            if stage not in levels:
                self.fpn.layer_blocks[index] = nn.Identity()

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """Stages of normalised images [B, 3, H, W], fine to coarse."""
        stages = self.body(images)
        ordered = stages.values() if isinstance(stages, dict) else stages
        return tuple(ordered)

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Pyramid levels by name; only the branches that were asked for are computed.

        Args:
            stages: from `backbone`.
            levels: names among p2, p3, p4.

        Returns:
            features [B, C, height, width] in the order of `levels`.
        """
        wanted = {self.stages.index(level) for level in levels}
        found: dict[int, Tensor] = {}
        merged = self.fpn.inner_blocks[-1](stages[-1])
        for index in range(len(stages) - 2, min(wanted) - 1, -1):
            lateral = self.fpn.inner_blocks[index](stages[index])
            merged = lateral + functional.interpolate(
                merged, size=lateral.shape[-2:], mode='nearest'
            )
            if index in wanted:
                found[index] = self.fpn.layer_blocks[index](merged)
        return tuple(found[self.stages.index(level)] for level in levels)


class Encoder(nn.Module):
    """One encoder for camera images and for demonstration frames.

    Args:
        backbone_with_fpn: backbone and pyramid.
        configuration: the architecture, for the levels of images and of frames.
        mean, std: per colour channel, of values in 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone_with_fpn: BackboneWithPyramid,
        configuration: AfformerConfiguration,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.backbone_with_fpn = backbone_with_fpn
        self.image_levels = configuration.image_levels
        self.video_level = configuration.video_level
        self._packed_size = (
            configuration.feature_size if configuration.video_resolution == 'growing' else None
        )
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 RGB [B, H, W, 3] to float [B, 3, H, W] as the backbone was trained on."""
        # TensorRT does nothing with uint8 but convert it.
        values = images.to(self.mean.dtype).permute(0, 3, 1, 2)
        return (values / 255 - self.mean) / self.std

    def encode_images(self, images: Tensor) -> tuple[Tensor, ...]:
        """uint8 RGB [B, H, W, 3] to the decoder's image levels, coarse to fine."""
        stages = self.backbone_with_fpn.backbone(self.normalise(images))
        return self.backbone_with_fpn.pyramid(stages, self.image_levels)

    def encode_images_and_features(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """`encode_images`, and `encode_frames` of the same pictures, at the cost of one."""
        stages = self.backbone_with_fpn.backbone(self.normalise(images))
        return self.levels_and_features(stages)

    def levels_and_features(self, stages: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        """`encode_images_and_features` from a backbone's stages."""
        names = tuple(dict.fromkeys((*self.image_levels, self.video_level)))
        found = dict(zip(names, self.backbone_with_fpn.pyramid(stages, names), strict=True))
        levels = tuple(found[name] for name in self.image_levels)
        if self._packed_size is not None:
            return levels, pack_levels(levels, self._packed_size)
        return levels, found[self.video_level]

    def encode_frames(self, frames: Tensor) -> Tensor:
        """uint8 RGB [N, H, W, 3] to the features [N, C, height, width] of frames."""
        return self.features(self.backbone_with_fpn.backbone(self.normalise(frames)))

    def features(self, stages: Sequence[Tensor]) -> Tensor:
        """`encode_frames` from a backbone's stages."""
        if self._packed_size is not None:
            levels = self.backbone_with_fpn.pyramid(stages, self.image_levels)
            return pack_levels(levels, self._packed_size)
        return self.backbone_with_fpn.pyramid(stages, (self.video_level,))[0]


def build_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Encoder of a configuration, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that are ever asked for.
    """
    if configuration.backbone == 'resnet50':
        return _resnet50_encoder(configuration, levels)
    return _efficientnet_lite0_encoder(configuration, levels)


def _resnet50_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """The module tree of torchvision's `fasterrcnn_resnet50_fpn_v2` backbone."""
    first = _STAGES.index(min(levels))
    stages = {f'layer{n}': str(n - 1) for n in range(first + 1, 5)}
    body = IntermediateLayerGetter(resnet50(norm_layer=FrozenBatchNorm2d), stages)
    fpn = FeaturePyramidNetwork(
        [256, 512, 1024, 2048][first:], configuration.channels, norm_layer=FrozenBatchNorm2d
    )
    backbone = BackboneWithPyramid(body, fpn, levels)
    return Encoder(backbone, configuration, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _efficientnet_lite0_encoder(
    configuration: AfformerConfiguration, levels: Sequence[str]
) -> Encoder:
    import timm

    first = _STAGES.index(min(levels))
    body = timm.create_model(
        'tf_efficientnet_lite0',
        pretrained=False,
        features_only=True,
        out_indices=tuple(range(1 + first, 5)),
    )
    fpn = FeaturePyramidNetwork(
        [24, 40, 112, 320][first:], configuration.channels, norm_layer=partial(nn.GroupNorm, 8)
    )
    backbone = BackboneWithPyramid(body, fpn, levels)
    return Encoder(backbone, configuration, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
