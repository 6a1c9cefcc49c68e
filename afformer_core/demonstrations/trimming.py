# SPDX-License-Identifier: Apache-2.0
"""The trimming of a recording to its active part while its frames arrive, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.demonstrations.activity import ActivityDetector
from afformer_core.runtime.features import ImageFeatures
from afformer_core.runtime.frame_sampler import FrameSampler

# Bounds the number of frames before a part, at any frame rate.
_MOST_FRAMES_BEFORE = 256
_MOVING_CAMERA = 0.5
_ROUNDING = 1e-6


@dataclass
class RecordedFrame:
    """One frame of a recording.

    Attributes:
        number: number of the frame, from 0.
        time: seconds after the first frame.
        image: uint8 RGB [h, w, 3] at the model's input size.
        features: its features; None before the frame is encoded.
    """

    number: int
    time: float
    image: UInt8Array
    features: ImageFeatures | None = None


@dataclass(frozen=True)
class UsedPart:
    """The used part of a recording.

    Attributes:
        frames: evenly spaced frames of the part, in order.
        held: evenly spaced frames of the part, in order, up to four times as many.
        first, last: its first and last frame.
        trimmed_by: detector that found it; '' if nothing was trimmed.
        reason: reason why nothing was trimmed, or ''.
    """

    frames: tuple[RecordedFrame, ...]
    held: tuple[RecordedFrame, ...]
    first: RecordedFrame
    last: RecordedFrame
    trimmed_by: str = ''
    reason: str = ''


class ActivePart:
    """The frames from shortly before a detector's first activity to shortly after its last.

    A pause between two activities belongs to the part. `frames` contains only frames that
    certainly belong to it; frames that may be in a pause are kept separately.

    Args:
        maximum: maximum number of frames of the part.
        margin: seconds to keep before and after, at least 0.
    """

    def __init__(self, maximum: int, margin: float) -> None:
        self._margin = margin
        self._before: deque[RecordedFrame] = deque(maxlen=_MOST_FRAMES_BEFORE)
        self._pause: FrameSampler[RecordedFrame] | None = None
        self._last_activity = 0.0
        self.frames: FrameSampler[RecordedFrame] = FrameSampler(maximum)
        self.first: RecordedFrame | None = None
        self.last: RecordedFrame | None = None

    def add(self, frame: RecordedFrame, active: bool) -> None:  # noqa: FBT001
        """Add the next frame, and whether it shows activity."""
        if self.first is None:
            self._before.append(frame)
            while self._before[0].time < frame.time - self._margin - _ROUNDING:
                self._before.popleft()
            if active:
                self._begin(frame)
        elif active:
            if self._pause is not None:
                self.frames.absorb(self._pause)
                self._pause = None
            self._keep(frame)
            self._last_activity = frame.time
        elif frame.time <= self._last_activity + self._margin + _ROUNDING and self._pause is None:
            self._keep(frame)
        else:
            self._pause = self._pause or self.frames.continuation()
            self._pause.offer(frame)

    def _begin(self, frame: RecordedFrame) -> None:
        self.first = self._before[0]
        for earlier in self._before:
            self._keep(earlier)
        self._before.clear()
        self._last_activity = frame.time

    def _keep(self, frame: RecordedFrame) -> None:
        self.frames.offer(frame)
        self.last = frame


class Trimmer:
    """The search for the active part of a recording.

    The first detector that found activity determines the part. If none did, or if the camera moved
    in most frames, the whole recording is used.

    Args:
        detectors: detectors in order of precedence; empty: the whole recording is used.
        maximum: maximum number of frames of the part.
        margin: seconds to keep before the first and after the last activity.
    """

    def __init__(self, detectors: Sequence[ActivityDetector], maximum: int, margin: float) -> None:
        self._detectors = tuple(detectors)
        self._parts = tuple(ActivePart(maximum, margin) for _ in detectors)
        self._moving = [0] * len(self._parts)
        self._everything: FrameSampler[RecordedFrame] = FrameSampler(maximum)
        self._first: RecordedFrame | None = None
        self._last: RecordedFrame | None = None
        self.hands_seen = 0

    def add(self, frame: RecordedFrame, source: NDArray[np.uint8]) -> None:
        """Add the next frame, and its original image, uint8 RGB [H, W, 3]."""
        self._first = self._first or frame
        self._last = frame
        self._everything.offer(frame)
        hands = 0
        for index, (detector, part) in enumerate(zip(self._detectors, self._parts, strict=True)):
            activity = detector.observe(source, frame.time)
            self._moving[index] += activity.camera_moves
            hands = max(hands, activity.hands)
            part.add(frame, activity.active)
        self.hands_seen += hands > 0

    def certain_frames(self) -> list[RecordedFrame]:
        """Return the frames so far that certainly belong to the used part."""
        if not self._detectors:
            return self._everything.kept
        begun = (part.frames.kept for part in self._parts if part.first is not None)
        return next(begun, [])

    def part(self) -> UsedPart:
        """Return the used part of the frames so far.

        Raises:
            ValueError: there is no frame yet.
        """
        if self._first is None or self._last is None:
            raise ValueError('there is no frame yet. Add one first')
        for index, (detector, part) in enumerate(zip(self._detectors, self._parts, strict=True)):
            if part.first is None or part.last is None or self._camera_moved(index):
                continue
            if part.first is self._first and part.last is self._last:
                return self._whole(f'{detector.name} from its beginning to its end')
            frames, held = tuple(part.frames.selection()), tuple(part.frames.kept)
            return UsedPart(frames, held, part.first, part.last, trimmed_by=detector.name)
        if not self._detectors:
            return self._whole('')
        moved = any(self._camera_moved(index) for index in range(len(self._detectors)))
        return self._whole('the camera moved in most of it' if moved else 'no activity was seen')

    def _whole(self, reason: str) -> UsedPart:
        assert self._first is not None
        assert self._last is not None
        frames, held = tuple(self._everything.selection()), tuple(self._everything.kept)
        return UsedPart(frames, held, self._first, self._last, reason=reason)

    def _camera_moved(self, index: int) -> bool:
        return self._moving[index] > _MOVING_CAMERA * self._everything.count
