# SPDX-License-Identifier: Apache-2.0
"""The interface of hand detectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

from afformer_core.hands.hand import Hand
from afformer_core.media.video import VideoFrame


class HandDetector(Protocol):
    """Sees the hands in videos.

    Attributes:
        name: tells it from others, with other weights too, such as
            `fasterrcnn_resnet50_fpn_v2 3f2a90c1`.
        interaction_score: a hand in contact counts as an interaction from this score on (paper,
            section 4.2: 0.99).
        least_rate: frames per second that it has to be given at least, 0 where any will do.
        on_gpu: whether it computes on a GPU.
    """

    name: str
    interaction_score: float
    least_rate: float
    on_gpu: bool = False

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        """The hands in each frame of a video, in order.

        It may read ahead by some frames, so as to look at several at once or at what comes
        after; it keeps no more than those, however long the video is. Each call begins a video
        anew.

        Args:
            frames: of one video, in the order of their times.

        Returns:
            of each frame, whatever their scores are, best first; hands of low scores too, since
            whatever may be a hand must be hidden from who learns.
        """

    def detect_one(self, frames: Iterable[VideoFrame], index: int) -> tuple[Hand, ...]:
        """The hands in one frame of a video, see `detect`.

        Args:
            frames: of the video; it need not look for hands in the others.
            index: of the frame, from 0.
        """
        return next(islice(self.detect(frames), index, None))
