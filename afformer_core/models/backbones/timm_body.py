# SPDX-License-Identifier: Apache-2.0
"""Networks of timm as the bodies of backbones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn

from afformer_core.models.backbone_levels import TIMM_PREFIX


class TimmStages(nn.Module):
    """A network of timm whose stages have decreasing sizes.

    Args:
        network: timm's network, built with `features_only`.
        strides: strides of the stages that are used, fine to coarse.
    """

    def __init__(self, network: nn.Module, strides: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        information: Any = network.feature_info
        found = list(information.reduction())
        # Of several stages with the same size, the last one is the deepest.
        self._indices = [len(found) - 1 - found[::-1].index(stride) for stride in strides]
        self._channels_last = str(getattr(network, 'output_fmt', '')).endswith('NHWC')

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the stages, each [B, C, height, width], of normalised images [B, 3, H, W]."""
        stages = self.network(images)
        chosen = [stages[index] for index in self._indices]
        if self._channels_last:
            chosen = [stage.permute(0, 3, 1, 2).contiguous() for stage in chosen]
        return tuple(chosen)


class TimmMap(nn.Module):
    """A plain ViT of timm: the normalised map of its last block.

    Args:
        network: timm's network.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self._indices = network.prune_intermediate_layers(1, prune_norm=False)
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Compute the map, [B, C, height, width], of normalised images [B, 3, H, W]."""
        network: Any = self.network
        options = {'norm': True, 'output_fmt': 'NCHW', 'intermediates_only': True}
        found: Tensor = network.forward_intermediates(images, indices=self._indices, **options)[0]
        return found

    def freeze_tables(self) -> None:
        """Do nothing: timm builds the network for one size."""


def create_network(backbone: str, input_size: tuple[int, int], plain: bool, **options: Any) -> Any:
    """Build a network with timm, with random weights by default.

    Args:
        backbone: `timm:` and the name of a model.
        input_size: (height, width) of the images.
        plain: whether to build a whole plain ViT, for `TimmMap`; otherwise its stages.
        options: further arguments of `timm.create_model`.

    Raises:
        ValueError: timm cannot build it, for example not for this size; the message has timm's
            reason.
    """
    name = backbone.removeprefix(TIMM_PREFIX)
    settings: dict[str, Any] = {'num_classes': 0} if plain else {'features_only': True}
    try:
        description = timm.get_pretrained_cfg(name)
        # Other networks accept every size, and have no such argument.
        if plain or getattr(description, 'fixed_input_size', False):
            settings['img_size'] = input_size
        return timm.create_model(name, **settings, **options)
    except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        height, width = input_size
        raise ValueError(
            f'timm cannot build {name} for images of {width}x{height}: {error}. Choose another '
            'model or input_size'
        ) from error


# Strides of the pyramid levels p6 to p2.
_LEVEL_STRIDES = (64, 32, 16, 8, 4)


def timm_fields(backbone: str, input_size: tuple[int, int]) -> dict[str, Any]:
    """Return the fields of a configuration that describe a model of timm.

    For example `replace(afformer_small(actions), **timm_fields('timm:convnext_tiny', size))`.

    Args:
        backbone: `timm:` and the name of a model, with a tag to choose weights.
        input_size: (height, width) of images and frames.

    Returns:
        `backbone`, `input_size`, `stage_strides` and `stage_channels`.

    Raises:
        ValueError: timm has no such model, or cannot build it for this size; or it has neither two
            stages with the strides of levels nor is a plain ViT.
    """
    # Tensors on this device have shapes but no values.
    with torch.device('meta'):
        found = create_network(backbone, input_size, plain=False).feature_info
    # Of several stages with the same size, the last one is the deepest.
    channels = dict(zip(found.reduction(), found.channels(), strict=True))
    strides = tuple(channels)
    if len(channels) > 1:
        strides = tuple(stride for stride in _LEVEL_STRIDES if stride in channels)
        if len(strides) < 2:
            raise ValueError(
                f'{backbone} has stages of the strides {tuple(channels)}; expected at least two '
                f'of {_LEVEL_STRIDES}, or a plain ViT. Choose another model'
            )
    return {
        'backbone': backbone,
        'input_size': input_size,
        'stage_strides': strides,
        'stage_channels': tuple(channels[stride] for stride in strides),
    }
