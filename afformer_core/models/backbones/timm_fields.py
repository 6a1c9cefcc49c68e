# SPDX-License-Identifier: Apache-2.0
"""The fields of a configuration that describe a timm model, determined without its weights."""

from __future__ import annotations

from typing import Any

import timm
import torch

from afformer_core.models.backbones.timm_body import (
    TimmMaps,
    TimmStages,
    checked_name,
    create_network,
    stage_strides,
)

# Strides of the pyramid levels p2 to p6.
_LEVEL_STRIDES = (4, 8, 16, 32, 64)


def timm_fields(backbone: str, input_size: tuple[int, int]) -> dict[str, Any]:
    """Return the fields of a configuration that describe a model of timm.

    For example `replace(afformer_small(actions), **timm_fields('timm:convnext_tiny', size))`.

    Args:
        backbone: `timm:` and the name of a model, with a tag to choose weights.
        input_size: (height, width) of images and frames.

    Returns:
        `backbone`, `input_size`, `stage_strides` and `stage_channels`.

    Raises:
        ValueError: timm has no such model, it computes no features, or it does not accept images
            of this size.
    """
    checked_name(backbone)
    # Tensors on this device have shapes but no values.
    with torch.device('meta'), torch.no_grad():
        found = stage_strides(_features(backbone))
        plain = len(set(found)) == 1
        strides = (
            (found[-1],)
            if plain
            else tuple(stride for stride in _LEVEL_STRIDES if stride in found)
        )
        if len(strides) < (1 if plain else 2):
            raise ValueError(
                f'{backbone} has stages of the strides {found}; expected at least two of '
                f'{_LEVEL_STRIDES}, or a plain ViT. Choose another model'
            )
        if plain and any(side % strides[0] for side in input_size):
            raise ValueError(
                f'input_size is {input_size}; expected a (height, width) in multiples of '
                f'{strides[0]}, the patch of {backbone}'
            )
        network = create_network(backbone, input_size, plain)
        body = TimmMaps(network, (1.0,)) if plain else TimmStages(network, strides)
        try:
            shapes = [tuple(stage.shape) for stage in body(torch.empty(1, 3, *input_size))]
        except (AssertionError, RuntimeError, ValueError) as error:
            raise ValueError(
                f'{backbone} does not take images of input_size {input_size}: {error}'
            ) from error
    expected = [(input_size[0] // stride, input_size[1] // stride) for stride in strides]
    if [shape[2:] for shape in shapes] != expected:
        raise ValueError(
            f'{backbone} computes maps of {[shape[2:] for shape in shapes]} from input_size '
            f'{input_size}; expected {expected}. Choose sides that are multiples of '
            f'{strides[-1]}, or another model'
        )
    return {
        'backbone': backbone,
        'input_size': input_size,
        'stage_strides': strides[::-1],
        'stage_channels': tuple(shape[1] for shape in shapes)[::-1],
    }


def _features(backbone: str) -> Any:
    name = checked_name(backbone)
    try:
        return timm.create_model(name, features_only=True)
    except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f'timm gives no features of {name}: {error}. Choose another model, one that takes '
            'features_only'
        ) from error
