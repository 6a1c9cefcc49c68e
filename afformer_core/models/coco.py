# SPDX-License-Identifier: Apache-2.0
"""COCO weights of torchvision's Faster R-CNN for the ResNet-50 encoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_V2_Weights

from afformer_core.errors import AfformerError
from afformer_core.models.encoder import BackboneWithPyramid

_BACKBONE = 'backbone.'
_BLOCK = re.compile(r'(fpn\.(?:inner|layer)_blocks\.)(\d+)(\..*)')
_STAGES = 4


def load_coco_weights(backbone: BackboneWithPyramid, file: Path | None = None) -> None:
    """Load backbone and pyramid of `fasterrcnn_resnet50_fpn_v2`, in place.

    Args:
        backbone: of a ResNet-50 encoder. A pyramid of other channels than torchvision's 256
            keeps what it has.
        file: torchvision's weights; None: they are downloaded once, as torchvision does.

    Raises:
        AfformerError: the file is missing or damaged, or lacks a tensor that is wanted.
    """
    adopt_detector(backbone, _read(file))


def adopt_detector(backbone: BackboneWithPyramid, state: Mapping[str, Tensor]) -> None:
    """Copy what a detector's `state_dict` has for a backbone, in place.

    Raises:
        AfformerError: it lacks a tensor, or one is of another shape.
    """
    shift = _STAGES - len(backbone.stages)
    found = {}
    for name, tensor in state.items():
        if name.startswith(_BACKBONE):
            found[_shifted(name.removeprefix(_BACKBONE), shift)] = tensor
    wanted = backbone.state_dict()
    own_pyramid = wanted['fpn.inner_blocks.0.0.weight'].shape[0] != 256
    for name, tensor in wanted.items():
        if name.startswith('fpn.') and own_pyramid:
            found[name] = tensor
        elif name not in found or found[name].shape != tensor.shape:
            raise AfformerError(
                f"the detector's weights have no {name} of shape {tuple(tensor.shape)}; give "
                "those of torchvision's fasterrcnn_resnet50_fpn_v2"
            )
    backbone.load_state_dict({name: found[name] for name in wanted})


def _shifted(name: str, shift: int) -> str:
    """The name in a pyramid that lacks its finest stages."""
    match = _BLOCK.fullmatch(name)
    if match is None:
        return name
    return f'{match[1]}{int(match[2]) - shift}{match[3]}'


def _read(file: Path | None) -> Mapping[str, Tensor]:
    try:
        if file is None:
            weights = FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT
            state = weights.get_state_dict(progress=True, check_hash=True)
        else:
            state = torch.load(file, map_location='cpu', weights_only=True)
    except Exception as error:
        source = 'cannot be downloaded' if file is None else f'cannot be read from {file}'
        raise AfformerError(
            f"torchvision's COCO weights {source}: {error}. Download "
            f'{FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT.url} elsewhere and give the file as '
            'backbone_weights'
        ) from error
    return dict(state)
