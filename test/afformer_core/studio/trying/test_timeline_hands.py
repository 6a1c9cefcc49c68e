# SPDX-License-Identifier: Apache-2.0
"""Hands in the frames of a timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.hands.hand import Hand
from afformer_core.hands.open_detector import open_hand_detector
from afformer_core.media.video import VideoFrame
from afformer_core.studio.timeline import TimelineFrame
from afformer_core.studio.trying.timeline_hands import TimelineHands

HAND = Hand((10.0, 20.0, 30.0, 40.0), True, 0.9)


@dataclass
class LateHand:
    """A detector that sees a hand, and a doubtful one, in all frames but the first."""

    times: list[float] = field(default_factory=list)

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        for number, frame in enumerate(frames):
            self.times.append(frame.time)
            yield (HAND, Hand(HAND.box, False, 0.4)) if number else ()


def timeline(*seconds: float | None) -> tuple[TimelineFrame, ...]:
    image = np.zeros((48, 64, 3), np.uint8)
    return tuple(TimelineFrame(n, time, True, image) for n, time in enumerate(seconds))


def run(task: Coroutine[Any, Any, tuple[tuple[Hand, ...], ...]]) -> tuple[tuple[Hand, ...], ...]:
    """Run in a thread of its own: a browser of other tests has an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, task).result()


def test_hands_of_each_frame_at_its_time() -> None:
    detector = LateHand()
    hands = TimelineHands(lambda: detector)

    assert run(hands.detect(timeline(0.0, 0.7, 1.4))) == ((), (HAND,), (HAND,))
    assert run(hands.detect(timeline(None, None))) == ((), (HAND,))

    assert detector.times == [0.0, 0.7, 1.4, 0.0, 0.1]
    hands.close()


def test_a_detector_that_cannot_be_opened_is_told() -> None:
    hands = TimelineHands(lambda: open_hand_detector('absent'))

    with pytest.raises(ModelFolderError, match="'absent' is not a hand detector"):
        run(hands.detect(timeline(0.0)))
    hands.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_hands_are_told_beside_the_frames(page_with_hands: Any, files: Path) -> None:
    page_with_hands.locator('input[type=file]').nth(0).set_input_files(files / 'press.mp4')

    text = page_with_hands.get_by_text('Frame 1 of 12, 0.00 s: the model keeps it; ')
    text.wait_for(timeout=200_000)
