# SPDX-License-Identifier: Apache-2.0
"""Faster R-CNN hand detectors: the paper's, with its importer, and a light one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection import (
    FasterRCNN,
    fasterrcnn_mobilenet_v3_large_320_fpn,
    fasterrcnn_resnet50_fpn_v2,
)

from afformer_core.errors import AfformerError
from afformer_core.hands.hand import CLASSES, LOWEST_SCORE
from afformer_core.models.pretrained.checkpoint_file import load_strictly

OFFICIAL_ARCHITECTURE = 'fasterrcnn_resnet50_fpn_v2'
LIGHT_ARCHITECTURE = 'fasterrcnn_mobilenet_v3_large_320_fpn'
MOST_HANDS = 10

# Random weights, since torchvision would download its own.
_random = {'weights': None, 'weights_backbone': None}
ARCHITECTURES: Mapping[str, Callable[..., FasterRCNN]] = {
    OFFICIAL_ARCHITECTURE: partial(fasterrcnn_resnet50_fpn_v2, **_random),
    LIGHT_ARCHITECTURE: partial(fasterrcnn_mobilenet_v3_large_320_fpn, **_random),
}

# A tensor that every checkpoint of a detector has, and no grounding model.
_BOX_CLASSES = 'roi_heads.box_predictor.cls_score.weight'


def image_tensor(image: NDArray[np.uint8]) -> Tensor:
    """Convert an image, uint8 RGB [H, W, 3], to a tensor, uint8 [3, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous()


def build_hand_detector(
    architecture: str, minimum_score: float = LOWEST_SCORE, maximum_hands: int = MOST_HANDS
) -> FasterRCNN:
    """Build a detector, with random weights.

    Args:
        architecture: one of `ARCHITECTURES`; the paper's is `OFFICIAL_ARCHITECTURE`.
        minimum_score: minimum score of a hand.
        maximum_hands: largest number of detections in an image.

    Returns:
        torchvision's module: from images, float RGB [3, H, W] in 0..1, to `boxes` [N, 4] in
        pixels, `labels` [N], indices of `CLASSES`, and `scores` [N].

    Raises:
        AfformerError: there is no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise AfformerError(
            f'the hand detector is {architecture!r}; expected one of {", ".join(ARCHITECTURES)}'
        )
    return ARCHITECTURES[architecture](
        num_classes=len(CLASSES),
        box_score_thresh=minimum_score,
        box_detections_per_img=maximum_hands,
    )


def is_hand_detector(state: Mapping[str, Tensor]) -> bool:
    """Check whether tensors by name are of a detector, of hands or of other objects."""
    return _BOX_CLASSES in state


def import_hand_detector(state: Mapping[str, Tensor]) -> FasterRCNN:
    """Build the detector of the authors' `state_dict`, in evaluation mode.

    Raises:
        CheckpointError: tensors are missing, unknown, of another shape or not finite.
    """
    detector = build_hand_detector(OFFICIAL_ARCHITECTURE).eval()
    load_strictly(detector, state, 'the hand detector')
    return detector.requires_grad_(False)
