# SPDX-License-Identifier: Apache-2.0
"""Faster R-CNN hand detectors: the paper's, with its importer, and light ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torchvision.models.detection import (
    FasterRCNN,
    fasterrcnn_mobilenet_v3_large_320_fpn,
    fasterrcnn_resnet50_fpn_v2,
)
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from afformer_core.errors import AfformerError
from afformer_core.hands.hand import CLASSES, LOWEST_SCORE
from afformer_core.hands.motion_detector import MotionHandDetector
from afformer_core.models.pretrained.strict_loading import load_strictly

_CHANNELS = 96
_LEVELS = ('8', '16', '32')
_HEAD_CHANNELS = 256
_CELLS = 7
# Sides of the anchors of each level, in pixels of the detector's input.
_ANCHORS = ((24, 34), (48, 68), (96, 136))
_ASPECTS = (0.5, 1.0, 2.0)


class LightBackbone(nn.Module):
    """EfficientNet-Lite0's stages at strides 8, 16 and 32, and a feature pyramid over them.

    Attributes:
        out_channels: channels of each level, as torchvision's detectors require.
    """

    out_channels = _CHANNELS

    def __init__(self) -> None:
        import timm

        super().__init__()
        self.body = timm.create_model(
            'tf_efficientnet_lite0', pretrained=False, features_only=True, out_indices=(2, 3, 4)
        )
        self.fpn = FeaturePyramidNetwork(
            [40, 112, 320], _CHANNELS, norm_layer=partial(nn.GroupNorm, 8)
        )

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Compute levels [B, C, h, w] by their strides from normalised images [B, 3, H, W]."""
        # With this layout, a CPU is a fifth faster, in training as well.
        images = images.contiguous(memory_format=torch.channels_last)
        stages = OrderedDict(zip(_LEVELS, self.body(images), strict=True))
        levels: dict[str, Tensor] = self.fpn(stages)
        return levels


def box_head() -> nn.Sequential:
    """Build the network from a box, [N, C, 7, 7], to [N, 256]; norms make training stable."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(_CHANNELS * _CELLS**2, _HEAD_CHANNELS),
        nn.LayerNorm(_HEAD_CHANNELS),
        nn.ReLU(),
        nn.Linear(_HEAD_CHANNELS, _HEAD_CHANNELS),
        nn.LayerNorm(_HEAD_CHANNELS),
        nn.ReLU(),
    )


def light_faster_rcnn(
    num_classes: int, box_score_thresh: float, box_detections_per_img: int
) -> FasterRCNN:
    """Build the detector with random weights; its arguments are torchvision's."""
    backbone = LightBackbone()
    return FasterRCNN(
        backbone,
        min_size=192,
        max_size=256,
        # As in the backbone's pretraining.
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        rpn_anchor_generator=AnchorGenerator(_ANCHORS, (_ASPECTS,) * len(_LEVELS)),
        # An image shows few hands.
        rpn_pre_nms_top_n_train=200,
        rpn_post_nms_top_n_train=100,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_test=50,
        # A hand thus has several positive anchors.
        rpn_fg_iou_thresh=0.5,
        rpn_batch_size_per_image=64,
        box_batch_size_per_image=32,
        # Contact is learnt only from boxes of hands.
        box_positive_fraction=0.5,
        box_roi_pool=MultiScaleRoIAlign(list(_LEVELS), _CELLS, 2),
        box_head=box_head(),
        box_predictor=FastRCNNPredictor(_HEAD_CHANNELS, num_classes),
        box_score_thresh=box_score_thresh,
        box_detections_per_img=box_detections_per_img,
    )


OFFICIAL_ARCHITECTURE = 'fasterrcnn_resnet50_fpn_v2'
LIGHT_ARCHITECTURE = 'fasterrcnn_efficientnet_lite0_fpn'
# Classes of a detector of hands without their contact: background, hand.
_HANDS_ALONE = 2
MOST_HANDS = 10

# Random weights, since torchvision would download its own.
_random = {'weights': None, 'weights_backbone': None}
ARCHITECTURES: Mapping[str, Callable[..., FasterRCNN]] = {
    OFFICIAL_ARCHITECTURE: partial(fasterrcnn_resnet50_fpn_v2, **_random),
    'fasterrcnn_mobilenet_v3_large_320_fpn': partial(
        fasterrcnn_mobilenet_v3_large_320_fpn, **_random
    ),
    LIGHT_ARCHITECTURE: light_faster_rcnn,
}

HandNetwork: TypeAlias = FasterRCNN | MotionHandDetector

# A tensor that every checkpoint of a detector has, and no grounding model.
_BOX_CLASSES = 'roi_heads.box_predictor.cls_score.weight'


def build_hand_detector(
    architecture: str,
    interval: float | None = None,
    minimum_score: float = LOWEST_SCORE,
    maximum_hands: int = MOST_HANDS,
) -> HandNetwork:
    """Build a detector, with random weights.

    Args:
        architecture: one of `ARCHITECTURES`, of the part that detects hands; the paper's is
            `OFFICIAL_ARCHITECTURE`.
        interval: interval of its stacks of frames (see `motion_windows`); None for single images.
        minimum_score: minimum score of a hand; for stacks, with or without contact.
        maximum_hands: largest number of detections in an image.

    Returns:
        without an interval, torchvision's module: from images, float RGB [3, H, W] in 0..1, to
        `boxes` [N, 4] in pixels, `labels` [N], indices of `CLASSES`, and `scores` [N].

    Raises:
        AfformerError: there is no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise AfformerError(
            f'the hand detector is {architecture!r}; expected one of {", ".join(ARCHITECTURES)}'
        )
    detector = ARCHITECTURES[architecture](
        num_classes=len(CLASSES) if interval is None else _HANDS_ALONE,
        box_score_thresh=minimum_score,
        box_detections_per_img=maximum_hands,
    )
    return detector if interval is None else MotionHandDetector(detector)


def is_hand_detector(state: Mapping[str, Tensor]) -> bool:
    """Check whether tensors by name are of a detector, of hands or of other objects."""
    return _BOX_CLASSES in state


def import_hand_detector(state: Mapping[str, Tensor]) -> HandNetwork:
    """Build the detector of the authors' `state_dict`, in evaluation mode.

    Raises:
        CheckpointError: tensors are missing, unknown, of another shape or not finite.
    """
    detector = build_hand_detector(OFFICIAL_ARCHITECTURE).eval()
    load_strictly(detector, state, 'the hand detector')
    return detector.requires_grad_(False)
