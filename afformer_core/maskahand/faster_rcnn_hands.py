# SPDX-License-Identifier: Apache-2.0
"""A Faster R-CNN, or what is built upon one, as a detector of the hands in videos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import nms

from afformer_core.data.video import VideoFrame
from afformer_core.maskahand.detector import HandDetector
from afformer_core.maskahand.detector_folder import load_hand_detector, read_detector_description
from afformer_core.maskahand.faster_rcnn import HandNetwork
from afformer_core.maskahand.hand import LOWEST_SCORE, Hand
from afformer_core.maskahand.hand_classes import CONTACT
from afformer_core.maskahand.motion_picture import FRAMES, motion_pictures
from afformer_core.maskahand.picture_tensor import picture_tensor
from afformer_core.models.folding import fold_batch_norms

# Two boxes that overlap by more are of one hand.
_ONE_HAND = 0.5
_DIGITS = 8


class FasterRcnnHands(HandDetector):
    """See `HandDetector`. It looks at each frame alone, or between those around it.

    Args:
        detector: in evaluation mode, see `build_hand_detector` and `build_motion_detector`.
        name: see `HandDetector`.
        interaction_score: see `HandDetector`.
        interval: of the motion pictures that it takes, see `motion_pictures`; None: it takes
            single frames.
        batch_size: frames that are looked at together, at least 1; a motion picture has several.

    Attributes:
        name: as above.
        interaction_score: as above.
        least_rate: see `HandDetector`.
    """

    least_rate = 0.0

    def __init__(
        self,
        detector: HandNetwork,
        name: str,
        interaction_score: float,
        interval: float | None = None,
        batch_size: int = 8,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size is {batch_size}; it must be at least 1')
        self.name = name
        self.interaction_score = interaction_score
        self._detector = detector
        self._interval = interval
        self._batch_size = batch_size if interval is None else max(1, batch_size // FRAMES)

    @classmethod
    def load(
        cls,
        folder: Path,
        device: torch.device | str = 'cpu',
        minimum_score: float = LOWEST_SCORE,
        batch_size: int = 8,
    ) -> FasterRcnnHands:
        """The detector of a folder, see `load_hand_detector`.

        Raises:
            ModelFolderError: the folder does not hold a sound detector.
        """
        description = read_detector_description(folder)
        name = f'{description.architecture} {description.weights_sha256[:_DIGITS]}'
        detector = load_hand_detector(folder, minimum_score)
        fold_batch_norms(detector)
        score, interval = description.interaction_score, description.interval
        return cls(detector.to(device), name, score, interval, batch_size)

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        """See `HandDetector.detect`."""
        pictures = self._pictures(frames)
        while batch := list(islice(pictures, self._batch_size)):
            yield from self._detect(batch)

    def detect_one(self, frames: Iterable[VideoFrame], index: int) -> tuple[Hand, ...]:
        """See `HandDetector.detect_one`."""
        (hands,) = self._detect([next(islice(self._pictures(frames), index, None))])
        return hands

    def _pictures(self, frames: Iterable[VideoFrame]) -> Iterator[NDArray[np.uint8]]:
        """What it looks at for each frame."""
        if self._interval is None:
            return (frame.image[None] for frame in frames)
        return motion_pictures(frames, self._interval)

    @torch.no_grad()
    def _detect(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Hand, ...]]:
        device = next(self._detector.parameters()).device
        tensors = [picture_tensor(image).to(device) for image in images]
        return [hands_of(output) for output in self._detector(tensors)]


def hands_of(output: Mapping[str, Tensor]) -> tuple[Hand, ...]:
    """The hands of one picture, best first, each in the state that is the more likely one.

    Args:
        output: `boxes`, `labels` and `scores`, as the detector gives them, and `touches` where it
            does; a hand may be among them in both states.
    """
    kept = nms(output['boxes'], output['scores'], _ONE_HAND)
    boxes, labels, scores = (
        output[name][kept].cpu().tolist() for name in ('boxes', 'labels', 'scores')
    )
    told = output['touches'][kept].cpu().tolist() if 'touches' in output else [None] * len(boxes)
    return tuple(
        Hand(
            (box[0], box[1], box[2], box[3]),
            label == CONTACT,
            min(score, 1.0),
            (touch[0], touch[1]) if touch is not None and label == CONTACT else None,
        )
        for box, label, score, touch in zip(boxes, labels, scores, told, strict=True)
    )
