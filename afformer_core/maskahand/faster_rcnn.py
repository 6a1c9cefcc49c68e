# SPDX-License-Identifier: Apache-2.0
"""The paper's hand detector, a Faster R-CNN that tells hands in contact from others, and ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor
from torchvision.models.detection import (
    FasterRCNN,
    fasterrcnn_mobilenet_v3_large_320_fpn,
    fasterrcnn_resnet50_fpn_v2,
)

from afformer_core.errors import AfformerError
from afformer_core.maskahand.hand import LOWEST_SCORE
from afformer_core.maskahand.hand_classes import CLASSES
from afformer_core.maskahand.light_faster_rcnn import light_faster_rcnn
from afformer_core.maskahand.motion_detector import MotionHandDetector
from afformer_core.models.strict_loading import load_strictly

OFFICIAL_ARCHITECTURE = 'fasterrcnn_resnet50_fpn_v2'
LIGHT_ARCHITECTURE = 'fasterrcnn_efficientnet_lite0_fpn'
# Classes of what finds hands and leaves their states to others: background, hand.
_HANDS_ALONE = 2
MOST_HANDS = 10

# With random weights; torchvision's own would be downloaded.
_random = {'weights': None, 'weights_backbone': None}
ARCHITECTURES: Mapping[str, Callable[..., FasterRCNN]] = {
    OFFICIAL_ARCHITECTURE: partial(fasterrcnn_resnet50_fpn_v2, **_random),
    'fasterrcnn_mobilenet_v3_large_320_fpn': partial(
        fasterrcnn_mobilenet_v3_large_320_fpn, **_random
    ),
    LIGHT_ARCHITECTURE: light_faster_rcnn,
}

HandNetwork = FasterRCNN | MotionHandDetector

# A tensor that every checkpoint of the detector has, and no grounding model.
_BOX_CLASSES = 'roi_heads.box_predictor.cls_score.weight'


def build_hand_detector(
    architecture: str, minimum_score: float = LOWEST_SCORE, maximum_hands: int = MOST_HANDS
) -> FasterRCNN:
    """The detector of still pictures with random weights.

    Args:
        architecture: one of `ARCHITECTURES`; the paper's is `OFFICIAL_ARCHITECTURE`.
        minimum_score: of the hands that it gives.
        maximum_hands: that it gives of an image.

    Returns:
        torchvision's module: images float RGB [3, H, W] in 0..1 to `boxes` [N, 4] in pixels,
        `labels` [N], indices of `CLASSES`, and `scores` [N].

    Raises:
        AfformerError: there is no such architecture.
    """
    return _build(architecture, len(CLASSES), minimum_score, maximum_hands)


def build_motion_detector(
    architecture: str, minimum_score: float = LOWEST_SCORE, maximum_hands: int = MOST_HANDS
) -> MotionHandDetector:
    """The detector of motion pictures with random weights; see `build_hand_detector`.

    Args:
        architecture: of what finds hands.
        minimum_score: that there is a hand at all.
        maximum_hands: that it gives of a picture.
    """
    return MotionHandDetector(_build(architecture, _HANDS_ALONE, minimum_score, maximum_hands))


def _build(
    architecture: str, classes: int, minimum_score: float, maximum_hands: int
) -> FasterRCNN:
    if architecture not in ARCHITECTURES:
        raise AfformerError(
            f'there is no hand detector {architecture!r}; there are {", ".join(ARCHITECTURES)}'
        )
    return ARCHITECTURES[architecture](
        num_classes=classes,
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
    detector = build_hand_detector(OFFICIAL_ARCHITECTURE).eval()
    load_strictly(detector, state, 'the hand detector')
    return detector.requires_grad_(False)
