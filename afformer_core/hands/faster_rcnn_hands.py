# SPDX-License-Identifier: Apache-2.0
"""A Faster R-CNN as a detector of the hands in videos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN
from torchvision.ops import nms

from afformer_core.hands.detector_folder import load_hand_detector, read_detector_description
from afformer_core.hands.faster_rcnn import image_tensor
from afformer_core.hands.hand import BATCH_SIZE, CONTACT, LOWEST_SCORE, Hand, HandDetector
from afformer_core.media.video import VideoFrame
from afformer_core.models.fuse_batch_norm import fold_batch_norms

# Two boxes with a larger overlap are of one hand.
_ONE_HAND = 0.5
_DIGITS = 8


class FasterRcnnHands(HandDetector):
    """A `HandDetector` that looks at each frame alone.

    Args:
        detector: network in evaluation mode (see `build_hand_detector`).
        name: see `HandDetector`.
        interaction_score: see `HandDetector`.
        batch_size: number of images that are processed together, at least 1.

    Attributes:
        name, interaction_score, least_rate, on_gpu, batch_size: see `HandDetector`.
    """

    least_rate = 0.0

    def __init__(
        self,
        detector: FasterRCNN,
        name: str,
        interaction_score: float,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size is {batch_size}; expected at least 1')
        self.name = name
        self.interaction_score = interaction_score
        self.on_gpu = next(detector.parameters()).is_cuda
        self._detector = detector
        self.batch_size = batch_size

    @classmethod
    def load(
        cls,
        folder: Path,
        device: torch.device | str = 'cpu',
        minimum_score: float = LOWEST_SCORE,
        batch_size: int = BATCH_SIZE,
    ) -> FasterRcnnHands:
        """Load the detector of a folder (see `load_hand_detector`).

        Raises:
            ModelFolderError: the folder does not contain a valid detector.
        """
        description = read_detector_description(folder)
        name = f'{description.architecture} {description.weights_sha256[:_DIGITS]}'
        detector = load_hand_detector(folder, minimum_score)
        fold_batch_norms(detector)
        return cls(detector.to(device), name, description.interaction_score, batch_size)

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        """Detect the hands in each frame of a video (see `HandDetector.detect`)."""
        remaining = iter(frames)
        while batch := list(islice(remaining, self.batch_size)):
            yield from self._detect(batch)

    @torch.no_grad()
    def _detect(self, frames: Sequence[VideoFrame]) -> list[tuple[Hand, ...]]:
        device = next(self._detector.parameters()).device
        images = [image_tensor(frame.image).to(device) / 255 for frame in frames]
        return [hands_of(output) for output in self._detector(images)]


def hands_of(output: Mapping[str, Tensor]) -> tuple[Hand, ...]:
    """Convert detections of one image to hands, best first, each with its more likely contact.

    Args:
        output: `boxes` [N, 4], `labels` and `scores` [N]; a hand may occur with both contacts.
    """
    output = {name: values.float().cpu() for name, values in output.items()}
    kept = nms(output['boxes'], output['scores'], _ONE_HAND)
    boxes, labels, scores = (output[name][kept].tolist() for name in ('boxes', 'labels', 'scores'))
    return tuple(
        Hand((box[0], box[1], box[2], box[3]), label == CONTACT, min(score, 1.0))
        for box, label, score in zip(boxes, labels, scores, strict=True)
    )
