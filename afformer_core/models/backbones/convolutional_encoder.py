# SPDX-License-Identifier: Apache-2.0
"""Encoders with a convolutional backbone: ResNet-50 and EfficientNet-Lite0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.models import resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork

from afformer_core.models.backbone_levels import STAGE_CHANNELS
from afformer_core.models.backbones.convolutional_backbone import (
    ConvolutionalBackbone,
    backbone_with_fpn,
)
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.layers.numerics import FrozenNorm
from afformer_core.models.matching.configuration import MatchingConfiguration

_STAGES = ('p2', 'p3', 'p4', 'p5')
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
    """Build the encoder of a ResNet-50 or EfficientNet-Lite0, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that the encoder must provide.
    """
    first = _STAGES.index(min(levels))
    body = _body(configuration.backbone, first)
    fpn = FeaturePyramidNetwork(
        [STAGE_CHANNELS[configuration.backbone][stage] for stage in _STAGES[first:]],
        configuration.channels,
        norm_layer=_FPN_NORMS[configuration.backbone],
    )
    backbone = backbone_with_fpn(
        configuration, body.network, fpn, _STAGES[first:], body.layers, levels
    )
    used = configuration.image_levels, configuration.frame_levels
    return Encoder(backbone, *used, *_COLOURS[configuration.backbone])


def convolutional_stages(configuration: MatchingConfiguration) -> Encoder:
    """Build the encoder of a matching network on a ResNet-50 or EfficientNet-Lite0.

    Its levels are the stages of the backbone, with random weights.

    Args:
        configuration: the architecture.
    """
    levels = configuration.image_levels
    first = _STAGES.index(min(levels))
    body = _body(configuration.backbone, first)
    backbone = ConvolutionalBackbone(body.network, None, _STAGES[first:], body.layers)
    return Encoder(backbone, levels, levels, *_COLOURS[configuration.backbone])


class _Body(NamedTuple):
    """A backbone without its pyramid, and the layers that compute each of its stages."""

    network: nn.Module
    layers: list[list[nn.Module]]


def _body(backbone: str, first: int) -> _Body:
    return (_resnet50 if backbone == 'resnet50' else _efficientnet_lite0)(first)


def _resnet50(first: int) -> _Body:
    """Build the body of torchvision's `fasterrcnn_resnet50_fpn_v2` backbone."""
    stages = {f'layer{n}': str(n - 1) for n in range(first + 1, 5)}
    body = ResNetStages(resnet50(norm_layer=FrozenNorm), stages)
    names = list(body)
    ends = [0, *(names.index(layer) + 1 for layer in stages)]
    layers = [[body[name] for name in names[start:end]] for start, end in pairwise(ends)]
    return _Body(body, layers)


def _efficientnet_lite0(first: int) -> _Body:
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
    return _Body(body, layers)
