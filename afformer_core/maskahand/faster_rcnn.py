# SPDX-License-Identifier: Apache-2.0
"""The paper's hand detector: a Faster R-CNN that tells hands in contact from others."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torchvision.models.detection import FasterRCNN, fasterrcnn_resnet50_fpn_v2

from afformer_core.models.strict_loading import load_strictly

ARCHITECTURE = 'fasterrcnn_resnet50_fpn_v2'
CLASSES = ('background', 'no contact', 'contact')

# A tensor that every checkpoint of the detector has, and no grounding model.
_BOX_CLASSES = 'roi_heads.box_predictor.cls_score.weight'


def build_hand_detector(minimum_score: float = 0.7, maximum_hands: int = 2) -> FasterRCNN:
    """The detector with random weights.

    Args:
        minimum_score: of the hands that it gives.
        maximum_hands: that it gives of an image.

    Returns:
        torchvision's module: images float RGB [3, H, W] in 0..1 to `boxes` [N, 4] in pixels,
        `labels` [N], indices of `CLASSES`, and `scores` [N].
    """
    return fasterrcnn_resnet50_fpn_v2(
        weights=None,
        weights_backbone=None,
        num_classes=len(CLASSES),
        box_score_thresh=minimum_score,
        box_detections_per_img=maximum_hands,
    )


def is_hand_detector(state: Mapping[str, Tensor]) -> bool:
    """Whether tensors by name are a detector's, of hands or of other things."""
    return _BOX_CLASSES in state


def import_hand_detector(state: Mapping[str, Tensor]) -> FasterRCNN:
    """The detector of the authors' `state_dict`, in evaluation mode.

    Raises:
        CheckpointError: tensors are missing, unknown, of another shape or not finite.
    """
    detector = build_hand_detector().eval()
    load_strictly(detector, state, 'the hand detector')
    return detector.requires_grad_(False)
