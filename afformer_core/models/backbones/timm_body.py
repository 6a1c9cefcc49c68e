# SPDX-License-Identifier: Apache-2.0
"""Networks of timm as the bodies of backbones."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import timm
from torch import Tensor, nn

from afformer_core.models.backbone_levels import TIMM_PREFIX

_NEAR = 3


class TimmStages(nn.Module):
    """A network of timm whose stages have decreasing sizes.

    Args:
        network: timm's network, built with `features_only`.
        strides: strides of the stages that are used, fine to coarse.
    """

    def __init__(self, network: nn.Module, strides: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        found = stage_strides(network)
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


class TimmMaps(nn.Module):
    """A plain ViT of timm: the normalised maps of some of its blocks, all of one size.

    Args:
        network: timm's network; the blocks after the last requested one are removed.
        blocks: positions of the blocks, ascending, as shares of the depth in 0..1.
    """

    def __init__(self, network: Any, blocks: Sequence[float]) -> None:
        super().__init__()
        depth = len(network.feature_info)
        numbers = [max(round(share * depth) - 1, 0) for share in blocks]
        self._indices = network.prune_intermediate_layers(numbers, prune_norm=False)
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps, each [B, C, height, width], of normalised images [B, 3, H, W]."""
        network: Any = self.network
        return tuple(
            network.forward_intermediates(
                images,
                indices=self._indices,
                norm=True,
                output_fmt='NCHW',
                intermediates_only=True,
            )
        )


def stage_strides(network: Any) -> tuple[int, ...]:
    """Return the strides of the stages that a network of `features_only` computes, in order."""
    return tuple(network.feature_info.reduction())


def create_network(backbone: str, input_size: tuple[int, int], plain: bool, **options: Any) -> Any:
    """Build a network with timm, with random weights by default.

    Args:
        backbone: `timm:` and the name of a model.
        input_size: (height, width) of the images.
        plain: whether to build a whole plain ViT, for `TimmMaps`; otherwise its stages.
        options: further arguments of `timm.create_model`.

    Raises:
        ValueError: timm cannot build it, for example not for this size; the message has timm's
            reason.
    """
    name = checked_name(backbone)
    settings: dict[str, Any] = {'num_classes': 0} if plain else {'features_only': True}
    description = timm.get_pretrained_cfg(name)
    # Other networks accept every size, and have no such argument.
    if plain or getattr(description, 'fixed_input_size', False):
        settings['img_size'] = input_size
    try:
        return timm.create_model(name, **settings, **options)
    except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        height, width = input_size
        raise ValueError(
            f'timm cannot build {name} for images of {width}x{height}: {error}'
        ) from error


def checked_name(backbone: str) -> str:
    """Return the name of a model in timm, with the tag of its weights if it has one.

    Args:
        backbone: `timm:` and the name.

    Raises:
        ValueError: timm has no such model, or no such weights of it.
    """
    name = backbone.removeprefix(TIMM_PREFIX)
    architecture, _, tag = name.partition('.')
    if not timm.is_model(architecture):
        raise ValueError(
            f'backbone is {backbone!r}; expected a model of timm {timm.__version__}'
            f'{_near(architecture, timm.list_models())}'
        )
    tagged = timm.list_pretrained(f'{architecture}.*')
    if tag and name not in tagged:
        raise ValueError(
            f'backbone is {backbone!r}; expected a tag of {architecture} that timm '
            f'{timm.__version__} has{_near(name, tagged)}'
        )
    return name


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, _NEAR)
    return f', such as {", ".join(TIMM_PREFIX + name for name in near)}' if near else ''
