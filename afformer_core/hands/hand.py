# SPDX-License-Identifier: Apache-2.0
"""A detected hand, and the interface of detectors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from afformer_core.media.video import VideoFrame

LOWEST_SCORE = 0.05
"""Detections of a lower score are dropped: there are many, and few of them are hands."""


@dataclass(frozen=True)
class Hand:
    """A hand in an image (paper, section 4.2).

    Attributes:
        box: (left, top, right, bottom) in pixels, of the edges of pixels: an image of width W
            reaches from 0 to W. It may reach outside of the image.
        contact: whether the hand touches an object.
        score: confidence that there is a hand with this contact, 0 to 1.
        contact_point: point of contact, actual or imminent, (x, y) in pixels; it may lie outside
            of box and image. None if the detector does not give it.

    Raises:
        ValueError: a number is not finite or out of its range.
    """

    box: tuple[float, float, float, float]
    contact: bool
    score: float
    contact_point: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not all(map(math.isfinite, self.box)) or not (left < right and top < bottom):
            raise ValueError(
                f'the box of a hand is {self.box}; expected finite (left, top, right, bottom) '
                'with left < right and top < bottom'
            )
        if not 0 <= self.score <= 1:
            raise ValueError(f'the score of a hand is {self.score}; expected 0 to 1')
        if self.contact_point is not None and not all(map(math.isfinite, self.contact_point)):
            raise ValueError(
                f'the contact point of a hand is {self.contact_point}; expected finite (x, y)'
            )

    @property
    def size(self) -> tuple[float, float]:
        """(width, height) of the box."""
        left, top, right, bottom = self.box
        return right - left, bottom - top


CLASSES = ('background', 'no contact', 'contact')
NO_CONTACT, CONTACT = 1, 2

BATCH_SIZE = 8
"""Default number of frames that a detector processes together."""


class HandDetector(Protocol):
    """A detector of the hands in videos.

    Attributes:
        name: text that identifies the detector and its weights, such as
            `fasterrcnn_resnet50_fpn_v2 3f2a90c1`.
        interaction_score: minimum score for a hand in contact to count as an interaction (paper,
            section 4.2: 0.99).
        least_rate: minimum required frame rate, in frames per second; 0: none.
        on_gpu: whether it computes on a GPU.
        batch_size: number of frames that it processes together.
    """

    name: str
    interaction_score: float
    least_rate: float
    on_gpu: bool = False
    batch_size: int = 1

    def begin(self, video: Path) -> None:
        """Begin a video, before `detect`; only `SimulatedHands` uses its path."""
        del video

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        """Detect the hands in each frame of a video, in order.

        It may read some frames ahead, to process several at once or to use later frames, and
        stores only those, for a video of any length. Each call begins a new video.

        Args:
            frames: frames of one video, in the order of their times.

        Returns:
            for each frame its hands, best first, including low scores, because every possible hand
            must be hidden from a model in training.
        """
