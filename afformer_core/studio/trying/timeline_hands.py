# SPDX-License-Identifier: Apache-2.0
"""Detection of the hands in a timeline, in a thread that all pages share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from afformer_core.hands.detector import HandDetector
from afformer_core.hands.hand import Hand
from afformer_core.media.video import VideoFrame
from afformer_core.studio.timeline import TimelineFrame

# Detections with a lower score are rarely hands.
_LOWEST_SCORE = 0.5
# Seconds between frames of a source without times.
_STEP = 0.1


class TimelineHands:
    """The only thread that uses the hand detector; timelines are processed sequentially.

    Args:
        open_detector: function that opens the detector; called at the first timeline.
    """

    def __init__(self, open_detector: Callable[[], HandDetector]) -> None:
        self._open = open_detector
        self._detector: HandDetector | None = None
        self._thread = ThreadPoolExecutor(1, 'hands')

    async def detect(self, timeline: Sequence[TimelineFrame]) -> tuple[tuple[Hand, ...], ...]:
        """Return the hands in each frame of a timeline, best first.

        Raises:
            AfformerError: the detector cannot be opened.
        """
        return await asyncio.wrap_future(self._thread.submit(self._detect, timeline))

    def close(self) -> None:
        """End the thread after the current timeline."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _detect(self, timeline: Sequence[TimelineFrame]) -> tuple[tuple[Hand, ...], ...]:
        if self._detector is None:
            self._detector = self._open()
        frames = [
            VideoFrame(number * _STEP if frame.seconds is None else frame.seconds, frame.image)
            for number, frame in enumerate(timeline)
        ]
        return tuple(
            tuple(hand for hand in hands if hand.score >= _LOWEST_SCORE)
            for hands in self._detector.detect(frames)
        )
