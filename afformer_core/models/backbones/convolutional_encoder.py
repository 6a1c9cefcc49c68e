# SPDX-License-Identifier: Apache-2.0
"""Encoders with a convolutional backbone: ResNet-50 and EfficientNet-Lite0."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torchvision.models import resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork

from afformer_core.models.backbones.encoder import BackboneWithPyramid, Encoder
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.layers.numerics import FrozenNorm

_STAGES = ('p2', 'p3', 'p4', 'p5')
# Number of EfficientNet-Lite0's blocks up to the end of each stage.
_LITE0_ENDS = (2, 3, 5, 7)


class ConvolutionalBackbone(BackboneWithPyramid):
    """A convolutional network with torchvision's feature pyramid over its stages.

    Args:
        body: network from images [B, 3, H, W] to a sequence or mapping of stages, fine to coarse.
        fpn: feature pyramid over those stages.
        layers: layers of the body that compute each stage from the one before it; the first stage
            is computed from images.
        projections: for each pyramid level that is used, the name of the level whose 3x3
            convolution computes it.
    """

    fpn: FeaturePyramidNetwork

    def __init__(
        self,
        body: nn.Module,
        fpn: FeaturePyramidNetwork,
        layers: Sequence[Sequence[nn.Module]],
        projections: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn
        # Tuples keep PyTorch from registering the layers a second time.
        self._layers = tuple(tuple(each) for each in layers)
        self._projections = dict(projections)
        self.stages = _STAGES[-len(layers) :]
        for index, stage in enumerate(self.stages):
            # An unused level still feeds the top-down path, but needs no output convolution.
            if stage not in projections.values():
                self.fpn.layer_blocks[index] = nn.Identity()
            if index < min(self.stages.index(level) for level in projections):
                self.fpn.inner_blocks[index] = nn.Identity()

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute all stages of images (see `BackboneWithPyramid.backbone`)."""
        stages = self.body(images)
        return tuple(stages.values() if isinstance(stages, dict) else stages)

    def deepen(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Compute the remaining stages from the first ones (see `BackboneWithPyramid.deepen`)."""
        deepened = list(stages)
        for layers in self._layers[len(stages) :]:
            deepened.append(_passed(deepened[-1], layers))
        return tuple(deepened)

    def first_stages(self, images: Tensor, count: int) -> tuple[Tensor, ...]:
        """Compute the first stages alone (see `BackboneWithPyramid.first_stages`)."""
        stages = [_passed(images, self._layers[0])]
        for layers in self._layers[1:count]:
            stages.append(_passed(stages[-1], layers))
        return tuple(stages)

    def stage_parameters(self, count: int) -> Iterator[nn.Parameter]:
        """Yield parameters of the first stages (see `BackboneWithPyramid.stage_parameters`)."""
        for layers in self._layers[:count]:
            for layer in layers:
                yield from layer.parameters()

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute pyramid levels by name (see `BackboneWithPyramid.pyramid`)."""
        return tuple(
            self.fpn.layer_blocks[self.stages.index(self._projections[level])](merged)
            for level, merged in zip(levels, self._merged(stages, levels), strict=True)
        )

    def _merged(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute levels up to their last convolution: stages plus upsampled coarser levels."""
        expected = [self.stages.index(level) for level in levels]
        merged = self.fpn.inner_blocks[-1](stages[-1])
        found = {len(stages) - 1: merged}
        for index in range(len(stages) - 2, min(expected) - 1, -1):
            lateral = self.fpn.inner_blocks[index](stages[index])
            merged = lateral + functional.interpolate(
                merged, size=lateral.shape[-2:], mode='nearest'
            )
            found[index] = merged
        return tuple(found[index] for index in expected)


class SeparateProjections(ConvolutionalBackbone):
    """A convolutional backbone with separate output convolutions for frames (Table 7a).

    Args:
        body, fpn, layers: as for `ConvolutionalBackbone`.
        projections: as for `ConvolutionalBackbone`, for images alone.
        video_projections: the same for frames; their convolutions begin as copies of those of
            images.
    """

    def __init__(
        self,
        body: nn.Module,
        fpn: FeaturePyramidNetwork,
        layers: Sequence[Sequence[nn.Module]],
        projections: Mapping[str, str],
        video_projections: Mapping[str, str],
    ) -> None:
        blocks = dict(zip(reversed(_STAGES), reversed(fpn.layer_blocks), strict=False))
        # A checkpoint's optimizer state has its entries in this order of the levels.
        names = dict.fromkeys(video_projections.values())
        copies = {name: copy.deepcopy(blocks[name]) for name in names}
        super().__init__(body, fpn, layers, projections)
        self.video_projections = nn.ModuleDict(copies)
        self._of_frames = dict(video_projections)

    def video_pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute the pyramid levels of frames (see `BackboneWithPyramid.video_pyramid`)."""
        return tuple(
            self.video_projections[self._of_frames[level]](merged)
            for level, merged in zip(levels, self._merged(stages, levels), strict=True)
        )

    def both_pyramids(
        self, stages: Sequence[Tensor], image_levels: Sequence[str], video_levels: Sequence[str]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Compute the levels of images and of frames (see `BackboneWithPyramid.both_pyramids`).

        What both share before the output convolutions is computed twice; it is cheap.
        """
        return self.pyramid(stages, image_levels), self.video_pyramid(stages, video_levels)


class StagesAlone(ConvolutionalBackbone):
    """A convolutional backbone without a pyramid: its levels are its stages as they are.

    Args:
        body, layers: as for `ConvolutionalBackbone`.
    """

    def __init__(self, body: nn.Module, layers: Sequence[Sequence[nn.Module]]) -> None:
        levels = {name: name for name in _STAGES[-len(layers) :]}
        super().__init__(body, FeaturePyramidNetwork([], 1), layers, levels)

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Select stages by name (see `BackboneWithPyramid.pyramid`)."""
        return tuple(stages[self.stages.index(level)] for level in levels)


class ResNetStages(IntermediateLayerGetter):
    """The stages of a ResNet, the first of which is recomputed for the gradients in training.

    The maps of the first stage are the largest: recomputing them saves almost half of the memory
    that the backbone needs for a frame, for a fifth of its operations.

    Args:
        network: torchvision's ResNet.
        return_layers: names of layers, each with the name of the stage that it computes.

    Attributes:
        recomputes: whether the first stage is recomputed.
    """

    recomputes = True

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Compute the stages of normalised images [B, 3, H, W], by name, fine to coarse."""
        names = list(self)
        first = names.index('layer1') + 1
        early = nn.Sequential(*(self[name] for name in names[:first]))
        learns = any(parameter.requires_grad for parameter in early.parameters())
        if self.recomputes and torch.is_grad_enabled() and learns:
            x = checkpoint(early, images, use_reentrant=False)
        else:
            x = early(images)
        stages = {'layer1': x}
        for name in names[first:]:
            x = self[name](x)
            stages[name] = x
        returned = self.return_layers
        return {returned[name]: x for name, x in stages.items() if name in returned}


def _passed(x: Tensor, layers: Sequence[nn.Module]) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def convolutional_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Build the encoder of a ResNet-50 or EfficientNet-Lite0, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that the encoder has to provide.
    """
    first = _STAGES.index(min(levels))
    if configuration.backbone == 'resnet50':
        backbone = _resnet50(configuration, levels, first)
        return Encoder(backbone, configuration, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    backbone = _efficientnet_lite0(configuration, levels, first)
    return Encoder(backbone, configuration, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def _resnet50(
    configuration: AfformerConfiguration, levels: Sequence[str], first: int
) -> ConvolutionalBackbone:
    """Build the module tree of torchvision's `fasterrcnn_resnet50_fpn_v2` backbone."""
    stages = {f'layer{n}': str(n - 1) for n in range(first + 1, 5)}
    body = ResNetStages(resnet50(norm_layer=FrozenNorm), stages)
    fpn = FeaturePyramidNetwork(
        [256, 512, 1024, 2048][first:], configuration.channels, norm_layer=FrozenNorm
    )
    names = list(body)
    ends = [0, *(names.index(layer) + 1 for layer in stages)]
    layers = [[body[name] for name in names[start:end]] for start, end in pairwise(ends)]
    return _with_projections(configuration, levels, body, fpn, layers)


def _efficientnet_lite0(
    configuration: AfformerConfiguration, levels: Sequence[str], first: int
) -> ConvolutionalBackbone:
    import timm

    body: Any = timm.create_model(
        'tf_efficientnet_lite0',
        pretrained=False,
        features_only=True,
        out_indices=tuple(range(1 + first, 5)),
    )
    fpn = FeaturePyramidNetwork(
        [24, 40, 112, 320][first:], configuration.channels, norm_layer=partial(nn.GroupNorm, 8)
    )
    ends = (0, *_LITE0_ENDS[first:])
    layers = [list(body.blocks[start:end]) for start, end in pairwise(ends)]
    layers[0] = [body.conv_stem, body.bn1, *layers[0]]
    return _with_projections(configuration, levels, body, fpn, layers)


def _with_projections(
    configuration: AfformerConfiguration,
    levels: Sequence[str],
    body: nn.Module,
    fpn: FeaturePyramidNetwork,
    layers: Sequence[Sequence[nn.Module]],
) -> ConvolutionalBackbone:
    def projections(names: Sequence[str]) -> dict[str, str]:
        shared = configuration.input_projection == 'shared'
        return {name: min(names) if shared else name for name in names}

    if configuration.decoder == 'matching':
        return StagesAlone(body, layers)
    if configuration.video_projection == 'separate':
        images, frames = configuration.image_levels, configuration.frame_levels
        return SeparateProjections(body, fpn, layers, projections(images), projections(frames))
    return ConvolutionalBackbone(body, fpn, layers, projections(levels))
