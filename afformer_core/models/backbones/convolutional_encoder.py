# SPDX-License-Identifier: Apache-2.0
"""The encoders of convolutional backbones: ResNet-50 and EfficientNet-Lite0."""

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
from afformer_core.models.frozen_norm import FrozenNorm

_STAGES = ('p2', 'p3', 'p4', 'p5')
# Of EfficientNet-Lite0's blocks, how many have been passed at each stage.
_LITE0_ENDS = (2, 3, 5, 7)


class ConvolutionalBackbone(BackboneWithPyramid):
    """A convolutional network and torchvision's pyramid over its stages.

    Args:
        body: images [B, 3, H, W] to a sequence or mapping of stages, fine to coarse.
        fpn: the pyramid over those stages.
        layers: of the body, what computes each stage from the one before it, the first from
            images.
        projections: by the name of each level that is ever asked for, the name of that whose 3x3
            convolution gives it.
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
        # In tuples, so that they are not registered a second time.
        self._layers = tuple(tuple(each) for each in layers)
        self._projections = dict(projections)
        self.stages = _STAGES[-len(layers) :]
        for index, stage in enumerate(self.stages):
            # What nothing reads still feeds the top-down path, but has no output.
            if stage not in projections.values():
                self.fpn.layer_blocks[index] = nn.Identity()

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """See `BackboneWithPyramid.backbone`."""
        stages = self.body(images)
        return tuple(stages.values() if isinstance(stages, dict) else stages)

    def deepen(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """See `BackboneWithPyramid.deepen`."""
        deepened = list(stages)
        for layers in self._layers[len(stages) :]:
            deepened.append(_passed(deepened[-1], layers))
        return tuple(deepened)

    def first_stages(self, images: Tensor, count: int) -> tuple[Tensor, ...]:
        """See `BackboneWithPyramid.first_stages`."""
        stages = [_passed(images, self._layers[0])]
        for layers in self._layers[1:count]:
            stages.append(_passed(stages[-1], layers))
        return tuple(stages)

    def stage_parameters(self, count: int) -> Iterator[nn.Parameter]:
        """See `BackboneWithPyramid.stage_parameters`."""
        for layers in self._layers[:count]:
            for layer in layers:
                yield from layer.parameters()

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """See `BackboneWithPyramid.pyramid`."""
        return tuple(
            self.fpn.layer_blocks[self.stages.index(self._projections[level])](merged)
            for level, merged in zip(levels, self._merged(stages, levels), strict=True)
        )

    def _merged(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Levels before their last convolution: stages with what comes from the coarser ones."""
        wanted = [self.stages.index(level) for level in levels]
        merged = self.fpn.inner_blocks[-1](stages[-1])
        found = {len(stages) - 1: merged}
        for index in range(len(stages) - 2, min(wanted) - 1, -1):
            lateral = self.fpn.inner_blocks[index](stages[index])
            merged = lateral + functional.interpolate(
                merged, size=lateral.shape[-2:], mode='nearest'
            )
            found[index] = merged
        return tuple(found[index] for index in wanted)


class SeparateProjections(ConvolutionalBackbone):
    """A backbone whose levels of frames have convolutions of their own (Table 7a).

    Args:
        body, fpn, layers, projections: as of `ConvolutionalBackbone`, the last of images.
        video_projections: as the projections, of frames; they begin as those of images.
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
        # In the order of the levels, which is that of the optimizer's state in a checkpoint.
        names = dict.fromkeys(video_projections.values())
        copies = {name: copy.deepcopy(blocks[name]) for name in names}
        super().__init__(body, fpn, layers, projections)
        self.video_projections = nn.ModuleDict(copies)
        self._of_frames = dict(video_projections)

    def video_pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """See `BackboneWithPyramid.video_pyramid`."""
        return tuple(
            self.video_projections[self._of_frames[level]](merged)
            for level, merged in zip(levels, self._merged(stages, levels), strict=True)
        )

    def both_pyramids(
        self, stages: Sequence[Tensor], image_levels: Sequence[str], video_levels: Sequence[str]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """See `BackboneWithPyramid.both_pyramids`; what is before the projections is cheap."""
        return self.pyramid(stages, image_levels), self.video_pyramid(stages, video_levels)


class ResNetStages(IntermediateLayerGetter):
    """A ResNet's stages; in training the first is computed again for the gradients.

    Its maps are the largest: of a frame almost half of what the backbone would keep, for a fifth
    of its operations.

    Args:
        network: torchvision's ResNet.
        return_layers: names of layers, and of the stages that they give.

    Attributes:
        recomputes: whether it does so.
    """

    recomputes = True

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Normalised images [B, 3, H, W] to stages by name, fine to coarse."""
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
    """Encoder of a ResNet-50 or EfficientNet-Lite0, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that are ever asked for.
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
    """The module tree of torchvision's `fasterrcnn_resnet50_fpn_v2` backbone."""
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

    if configuration.video_projection == 'separate':
        images, frames = configuration.image_levels, configuration.frame_levels
        return SeparateProjections(body, fpn, layers, projections(images), projections(frames))
    return ConvolutionalBackbone(body, fpn, layers, projections(levels))
