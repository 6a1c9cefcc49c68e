# SPDX-License-Identifier: Apache-2.0
"""The fields of a configuration that describe a timm model, determined without its weights."""

from __future__ import annotations

from typing import Any

import torch

from afformer_core.models.backbones.timm_body import create_network

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
