# SPDX-License-Identifier: Apache-2.0
"""The interface of hand detectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from afformer_core.hands.hand import Hand
from afformer_core.media.video import VideoFrame

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
