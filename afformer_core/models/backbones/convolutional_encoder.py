# SPDX-License-Identifier: Apache-2.0
"""Encoders with several stages: ResNet-50, EfficientNet-Lite0 and hierarchical timm models."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torchvision.models import resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork

from afformer_core.models.backbone_levels import STAGE_CHANNELS, backbone_levels, is_timm
from afformer_core.models.backbones.encoder import BackboneWithPyramid, Encoder
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.layers.numerics import FrozenNorm
from afformer_core.models.matching.configuration import MatchingConfiguration

# Number of EfficientNet-Lite0's blocks up to the end of each stage.
_LITE0_ENDS = (2, 3, 5, 7)
# Mean and standard deviation of each colour channel on which the pretrained weights depend.
_COLOURS = {
    'resnet50': ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    'efficientnet_lite0': ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
_FPN_NORMS: dict[str, Callable[[int], nn.Module]] = {
    'resnet50': FrozenNorm,
    'efficientnet_lite0': partial(nn.GroupNorm, 8),
}


class ResNetStages(IntermediateLayerGetter):
    """The stages of a ResNet, with optional recomputation of the first one in training.

    The maps of the first stage are the largest. Recomputing them for the gradients saves almost
    half of the backbone's memory for a frame, at the cost of a fifth of its operations.

    Args:
        network: torchvision's ResNet.
        return_layers: name of the computed stage by the name of the layer.

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


def convolutional_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Build the encoder of a configuration, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that the encoder must provide.

    Raises:
        ValueError: timm has no such model, or cannot build it for this input size.
    """
    body = _body(configuration, levels)
    used = configuration.image_levels, configuration.frame_levels
    fpn = FeaturePyramidNetwork(body.channels, configuration.channels, norm_layer=body.norm)

    def projections(names: Sequence[str]) -> dict[str, str]:
        shared = configuration.input_projection == 'shared'
        return {name: min(names) if shared else name for name in names}

    apart = configuration.video_projection == 'separate'
    images, frames = used if apart else (levels, ())
    backbone = ConvolutionalBackbone(
        body.network, fpn, body.stages, body.layers, projections(images), projections(frames)
    )
    return Encoder(backbone, *used, *body.colours)


def convolutional_stages(configuration: MatchingConfiguration) -> Encoder:
    """Build the encoder of a matching network, whose levels are the stages of the backbone.

    Args:
        configuration: the architecture.

    Raises:
        ValueError: see `convolutional_encoder`.
    """
    levels = configuration.image_levels
    body = _body(configuration, levels)
    backbone = ConvolutionalBackbone(body.network, None, body.stages, body.layers)
    return Encoder(backbone, levels, levels, *body.colours)


class _Body(NamedTuple):
    """A backbone without its pyramid.

    Attributes:
        network: the network.
        layers: layers that compute each of its stages, if these can be computed one by one.
        stages: names of its stages, fine to coarse.
        channels: channels of its stages.
        colours: mean and standard deviation of each colour channel.
        norm: norm of its pyramid.
    """

    network: nn.Module
    layers: Sequence[Sequence[nn.Module]]
    stages: tuple[str, ...]
    channels: list[int]
    colours: tuple[Sequence[float], Sequence[float]]
    norm: Callable[[int], nn.Module]


def _body(
    configuration: AfformerConfiguration | MatchingConfiguration, levels: Sequence[str]
) -> _Body:
    """Build the stages up to the finest requested level."""
    backbone = configuration.backbone
    stages = backbone_levels(configuration)
    stages = stages[stages.index(min(levels)) :: -1]
    if is_timm(backbone):
        # timm takes seconds to import, and only some backbones need it.
        from afformer_core.models.backbones.timm_body import TimmStages, create_network

        network = create_network(backbone, configuration.input_size, plain=False)
        strides, channels = (
            list(values[: len(stages)][::-1])
            for values in (configuration.stage_strides, configuration.stage_channels)
        )
        colours = network.pretrained_cfg['mean'], network.pretrained_cfg['std']
        body = TimmStages(network, strides)
        return _Body(body, (), stages, channels, colours, partial(nn.GroupNorm, 8))
    build = _resnet50 if backbone == 'resnet50' else _efficientnet_lite0
    channels = [STAGE_CHANNELS[backbone][stage] for stage in stages]
    made = build(4 - len(stages))
    return _Body(*made, stages, channels, _COLOURS[backbone], _FPN_NORMS[backbone])


def _resnet50(first: int) -> tuple[nn.Module, list[list[nn.Module]]]:
    """Build the body of torchvision's `fasterrcnn_resnet50_fpn_v2` backbone."""
    stages = {f'layer{n}': str(n - 1) for n in range(first + 1, 5)}
    body = ResNetStages(resnet50(norm_layer=FrozenNorm), stages)
    names = list(body)
    ends = [0, *(names.index(layer) + 1 for layer in stages)]
    layers = [[body[name] for name in names[start:end]] for start, end in pairwise(ends)]
    return body, layers


def _efficientnet_lite0(first: int) -> tuple[nn.Module, list[list[nn.Module]]]:
    import timm

    body: Any = timm.create_model(
        'tf_efficientnet_lite0',
        pretrained=False,
        features_only=True,
        out_indices=tuple(range(1 + first, 5)),
    )
    ends = (0, *_LITE0_ENDS[first:])
    layers = [list(body.blocks[start:end]) for start, end in pairwise(ends)]
    layers[0] = [body.conv_stem, body.bn1, *layers[0]]
    return body, layers


class ConvolutionalBackbone(BackboneWithPyramid):
    """A convolutional network, usually with torchvision's feature pyramid.

    Args:
        body: network from images [B, 3, H, W] to a sequence or mapping of stages, fine to coarse.
        fpn: feature pyramid over those stages; None if the levels are the stages themselves.
        stages: names of those stages, fine to coarse.
        layers: layers of the body that compute each stage from the previous one; the first stage
            is computed from images. Empty for a body that computes all of its stages at once.
        projections: for each pyramid level that is used, the name of the level whose 3x3
            convolution computes it.
        frame_projections: the same for levels of frames that convolutions of their own compute
            (Table 7a), which are initialized as copies of those for images.
    """

    def __init__(
        self,
        body: nn.Module,
        fpn: FeaturePyramidNetwork | None,
        stages: Sequence[str],
        layers: Sequence[Sequence[nn.Module]],
        projections: Mapping[str, str] = MappingProxyType({}),
        frame_projections: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn or nn.Identity()
        # Tuples keep PyTorch from registering the layers a second time.
        self._layers = tuple(tuple(layer) for layer in layers)
        self._projections, self._of_frames = dict(projections), dict(frame_projections)
        self.stages = tuple(stages)
        if fpn is None:
            return
        # The optimizer state of checkpoints depends on this order of the levels.
        own = dict.fromkeys(frame_projections.values())
        copies = {name: copy.deepcopy(fpn.layer_blocks[self.stages.index(name)]) for name in own}
        finest = min(self.stages.index(level) for level in (*projections, *frame_projections))
        for index, stage in enumerate(self.stages):
            # An unused level still feeds the top-down path, but needs no output convolution.
            if stage not in projections.values():
                fpn.layer_blocks[index] = nn.Identity()
            if index < finest:
                fpn.inner_blocks[index] = nn.Identity()
        if copies:
            self.video_projections = nn.ModuleDict(copies)

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute all stages of images (see `BackboneWithPyramid.backbone`)."""
        stages = self.body(images)
        return tuple(stages.values() if isinstance(stages, dict) else stages)

    def deepen(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Compute the remaining stages from the first ones (see `BackboneWithPyramid.deepen`)."""
        if not self._layers:
            return super().deepen(stages)
        *first, last = stages
        deeper = self._layers[len(stages) :]
        return (*first, *accumulate(deeper, _passed, initial=last))

    def first_stages(self, images: Tensor, count: int) -> tuple[Tensor, ...]:
        """Compute only the first stages (see `BackboneWithPyramid.first_stages`)."""
        if not self._layers:
            return super().first_stages(images, count)
        return tuple(accumulate(self._layers[:count], _passed, initial=images))[1:]

    def stage_parameters(self, count: int) -> Iterator[nn.Parameter]:
        """Yield parameters of the first stages (see `BackboneWithPyramid.stage_parameters`)."""
        if not self._layers:
            yield from super().stage_parameters(count)
        for layers in self._layers[:count]:
            for layer in layers:
                yield from layer.parameters()

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute pyramid levels by name (see `BackboneWithPyramid.pyramid`)."""
        if not isinstance(self.fpn, FeaturePyramidNetwork):
            return tuple(stages[self.stages.index(level)] for level in levels)
        return tuple(
            self.fpn.layer_blocks[self.stages.index(self._projections[level])](merged)
            for level, merged in zip(levels, self._merged(stages, levels), strict=True)
        )

    def video_pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute the pyramid levels of frames (see `BackboneWithPyramid.video_pyramid`)."""
        if not self._of_frames:
            return self.pyramid(stages, levels)
        return tuple(
            self.video_projections[self._of_frames[level]](merged)
            for level, merged in zip(levels, self._merged(stages, levels), strict=True)
        )

    def both_pyramids(
        self, stages: Sequence[Tensor], image_levels: Sequence[str], video_levels: Sequence[str]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Compute the levels of images and of frames (see `BackboneWithPyramid.both_pyramids`).

        With separate convolutions, the shared part before them is computed twice, which is cheap.
        """
        if not self._of_frames:
            return super().both_pyramids(stages, image_levels, video_levels)
        return self.pyramid(stages, image_levels), self.video_pyramid(stages, video_levels)

    def _merged(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute levels up to their last convolution: stages plus upsampled coarser levels."""
        assert isinstance(self.fpn, FeaturePyramidNetwork)
        expected = [self.stages.index(level) for level in levels]
        merged = self.fpn.inner_blocks[-1](stages[-1])
        found = {len(stages) - 1: merged}
        for index in range(len(stages) - 2, min(expected) - 1, -1):
            lateral = self.fpn.inner_blocks[index](stages[index])
            size = lateral.shape[-2:]
            merged = lateral + functional.interpolate(merged, size=size, mode='nearest')
            found[index] = merged
        return tuple(found[index] for index in expected)


def _passed(x: Tensor, layers: Sequence[nn.Module]) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x
