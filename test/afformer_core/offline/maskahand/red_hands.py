# SPDX-License-Identifier: Apache-2.0
"""A detector of red rectangles, and videos that show them; other processes can import it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from afformer_core.hands.hand import Hand, HandDetector
from afformer_core.media.video import VideoFrame

WIDTH, HEIGHT = 96, 64
BRIGHT, DARK = 230, 140


def draw_frame(level: int, left: int = 30) -> np.ndarray:
    """A grey image, uint8 [64, 96, 3], with a red rectangle of a level; 0: without."""
    image = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    if level:
        image[20:44, left : left + 32] = (level, 20, 20)
    return image


def film(seconds: float, rate: float, contacts: Iterable[tuple[float, float]]) -> list[np.ndarray]:
    """Frames with a dark rectangle in the second before each contact and a bright one in it."""
    frames = []
    for number in range(round(seconds * rate)):
        time = number / rate
        level = 0
        for begin, end in contacts:
            if begin - 1 <= time < end:
                level = BRIGHT if time >= begin else DARK
        frames.append(draw_frame(level, 10 + number % 40))
    return frames


class RedHands(HandDetector):
    """See `HandDetector`: bright red is a hand in contact, dark red is another."""

    name = 'red 1'
    interaction_score = 0.9
    least_rate = 0.0
    # Of each frame.
    seconds = 0.0

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        remaining = iter(frames)
        while batch := list(islice(remaining, 4)):
            yield from (self._hands(frame.image) for frame in batch)

    def _hands(self, image: np.ndarray) -> tuple[Hand, ...]:
        time.sleep(self.seconds)
        red = (image[..., 0] > 110) & (image[..., 1] < 90)
        if red.sum() < 50:
            return ()
        rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
        box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        filled = red.sum() / ((box[2] - box[0]) * (box[3] - box[1]))
        bright = float(image[..., 0][red].mean()) > (BRIGHT + DARK) / 2
        left, top, right, bottom = map(float, box)
        return (Hand((left, top, right, bottom), bright, float(filled)),)


class SlowRedHands(RedHands):
    """Takes its time, so that it can be interrupted."""

    seconds = 0.01


class SlowestRedHands(RedHands):
    """Takes two seconds for a part of 20 frames, in which its machine can die."""

    seconds = 0.1


class SlowGpuRedHands(RedHands):
    """Takes half a second for a part of 20 frames, on what counts as a GPU."""

    on_gpu = True
    seconds = 0.025


class FailingRedHands(RedHands):
    """Fails after ten seconds of a video."""

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        for frame in frames:
            if frame.time > 10:
                raise RuntimeError('no memory is left')
            yield self._hands(frame.image)


class DyingRedHands(RedHands):
    """Ends its process after ten seconds of a video, as a broken library would."""

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        for frame in frames:
            if frame.time > 10:
                os._exit(1)
            yield self._hands(frame.image)


class ForgetfulRedHands(RedHands):
    """Gives the hands of every second frame."""

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        yield from islice(super().detect(frames), 0, None, 2)
