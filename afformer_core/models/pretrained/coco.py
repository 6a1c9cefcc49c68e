# SPDX-License-Identifier: Apache-2.0
"""Importer of the COCO weights of torchvision's Faster R-CNN, for the ResNet-50 encoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_V2_Weights

from afformer_core.errors import AfformerError
from afformer_core.licences import Origin
from afformer_core.models.backbones.encoder import BackboneWithPyramid
from afformer_core.models.pretrained.checkpoint_file import load_strictly

COCO_ORIGIN = Origin('COCO weights of torchvision', 'BSD-3-Clause')
_BACKBONE = 'backbone.'
_BLOCK = re.compile(r'(fpn\.(?:inner|layer)_blocks\.)(\d+)(\..*)')
_OF_FRAMES = re.compile(r'video_projections\.p(\d)(\..*)')
_PYRAMID = ('fpn.', 'video_projections.')
_STAGES = 4
# The finest of the detector's pyramid levels, p2 to p5.
_FINEST = 2


def load_coco_weights(backbone: BackboneWithPyramid, file: Path | None = None) -> None:
    """Load backbone and pyramid of `fasterrcnn_resnet50_fpn_v2`, in place.

    Args:
        backbone: backbone of a ResNet-50 encoder. A pyramid without torchvision's 256 channels
            keeps its values; a convolution shared by all levels is initialized with the detector's
            for the finest level.
        file: torchvision's weights; None to download them once, as torchvision does.

    Raises:
        AfformerError: the file is missing or damaged, or lacks a tensor.
    """
    adopt_detector(backbone, _read(file))


def adopt_detector(backbone: BackboneWithPyramid, state: Mapping[str, Tensor]) -> None:
    """Copy the tensors of a detector's `state_dict` that a backbone has, in place.

    Raises:
        AfformerError: the detector lacks a tensor, or one has another shape.
    """
    shift = _STAGES - len(backbone.stages)
    found = backbone.state_dict()
    kept = _PYRAMID if found['fpn.inner_blocks.0.0.weight'].shape[0] != 256 else ()
    for name in [name for name in found if not name.startswith(kept)]:
        tensor = state.get(_BACKBONE + _theirs(name, shift))
        if tensor is None:
            del found[name]
        else:
            found[name] = tensor
    load_strictly(backbone, found, "the backbone of torchvision's fasterrcnn_resnet50_fpn_v2")


def _theirs(name: str, shift: int) -> str:
    """Convert a name to that of the detector, whose pyramid has every stage."""
    if (block := _BLOCK.fullmatch(name)) is not None:
        return f'{block[1]}{int(block[2]) + shift}{block[3]}'
    if (of_frames := _OF_FRAMES.fullmatch(name)) is not None:
        return f'fpn.layer_blocks.{int(of_frames[1]) - _FINEST}{of_frames[2]}'
    return name


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
