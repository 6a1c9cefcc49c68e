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

_STAGES = ('p2', 'p3', 'p4', 'p5')


class BackboneWithPyramid(nn.Module):
    """A backbone's stages and the pyramid over them.

    Args:
        body: images [B, 3, H, W] to a sequence or mapping of stages, fine to coarse.
        fpn: the pyramid over those stages.
        finest: name of the finest stage, 'p2' or 'p3'.
    """

    def __init__(self, body: nn.Module, fpn: FeaturePyramidNetwork, finest: str) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn
        self.stages = _STAGES[_STAGES.index(finest) :]
        # Nothing reads p5; it only feeds the coarser levels' top-down path.
        self.fpn.layer_blocks[-1] = nn.Identity()

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
        image_levels: levels the decoder visits, coarse to fine.
        mean, std: per colour channel, of values in 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone_with_fpn: BackboneWithPyramid,
        image_levels: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.backbone_with_fpn = backbone_with_fpn
        self.image_levels = tuple(image_levels)
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
        names = tuple(dict.fromkeys((*self.image_levels, 'p3')))
        found = dict(zip(names, self.backbone_with_fpn.pyramid(stages, names), strict=True))
        return tuple(found[name] for name in self.image_levels), found['p3']

    def encode_frames(self, frames: Tensor) -> Tensor:
        """uint8 RGB [N, H, W, 3] to p3 features [N, C, H / 8, W / 8]."""
        stages = self.backbone_with_fpn.backbone(self.normalise(frames))
        return self.backbone_with_fpn.pyramid(stages, ('p3',))[0]


def build_encoder(configuration: AfformerConfiguration) -> Encoder:
    """Encoder of a configuration, with random weights."""
    if configuration.backbone == 'resnet50':
        return _resnet50_encoder(configuration)
    return _efficientnet_lite0_encoder(configuration)


def _resnet50_encoder(configuration: AfformerConfiguration) -> Encoder:
    """The module tree of torchvision's `fasterrcnn_resnet50_fpn_v2` backbone."""
    stages = {f'layer{n}': str(n - 1) for n in range(1, 5)}
    body = IntermediateLayerGetter(resnet50(norm_layer=FrozenBatchNorm2d), stages)
    fpn = FeaturePyramidNetwork(
        [256, 512, 1024, 2048], configuration.channels, norm_layer=FrozenBatchNorm2d
    )
    backbone = BackboneWithPyramid(body, fpn, 'p2')
    return Encoder(
        backbone, configuration.image_levels, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    )


def _efficientnet_lite0_encoder(configuration: AfformerConfiguration) -> Encoder:
    import timm

    finest = 'p2' if 'p2' in configuration.image_levels else 'p3'
    channels = {'p2': [24, 40, 112, 320], 'p3': [40, 112, 320]}[finest]
    body = timm.create_model(
        'tf_efficientnet_lite0',
        pretrained=False,
        features_only=True,
        out_indices=tuple(range(5 - len(channels), 5)),
    )
    fpn = FeaturePyramidNetwork(
        channels, configuration.channels, norm_layer=partial(nn.GroupNorm, 8)
    )
    backbone = BackboneWithPyramid(body, fpn, finest)
    return Encoder(backbone, configuration.image_levels, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
