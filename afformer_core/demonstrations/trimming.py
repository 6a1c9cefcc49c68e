# SPDX-License-Identifier: Apache-2.0
"""The trimming of a recording to its active part while its frames arrive, in bounded memory."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from afformer_core.arrays import UInt8Array
from afformer_core.demonstrations.contact_reading.demonstration_reader import DemonstrationReader
from afformer_core.runtime.demonstration import FrameSampler, ImageFeatures

# Bounds the number of frames before a part, at any frame rate.
_MOST_FRAMES_BEFORE = 256
# Minimum seconds of a detection, and maximum seconds between the last activity of a hand and
# motion that continues it.
_PERSISTENCE, _LONGEST_PAUSE = 0.1, 2.0
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


class Persistence:
    """Filter for detections that last at least 0.1 s and two frames."""

    def __init__(self) -> None:
        self._since: float | None = None

    def lasts(self, seen: bool, time: float) -> bool:  # noqa: FBT001
        """Check whether detections have lasted long enough.

        Args:
            seen: True for a detection in the next frame.
            time: time of that frame, seconds.
        """
        if not seen:
            self._since = None
        elif self._since is None:
            self._since = time
        else:
            return time - self._since >= _PERSISTENCE
        return False


class Trimmer:
    """The search for the active part of a recording.

    Hands determine the part, with motion that continues after them: a hand that grips an object or
    turns away may not be detected again, but the object moves. If there was no hand, motion
    determines it. If nothing moved either, the whole recording is used.

    Args:
        reader: reader that observes each frame first; None: the whole recording is used.
        maximum: maximum number of frames of the part.
        margin: seconds to keep before the first and after the last activity.
    """

    def __init__(self, reader: DemonstrationReader | None, maximum: int, margin: float) -> None:
        self._reader = reader
        # By what they are trimmed by, in order of precedence, with the filter of its detections.
        names = () if reader is None else ('hands', 'motion')
        self._parts = {name: ActivePart(maximum, margin) for name in names}
        self._filters = {name: Persistence() for name in names}
        self._last_active = -math.inf
        self._everything: FrameSampler[RecordedFrame] = FrameSampler(maximum)
        self._first: RecordedFrame | None = None
        self._last: RecordedFrame | None = None
        self.hands_seen = 0

    def add(self, frame: RecordedFrame) -> None:
        """Add the next frame."""
        self._first = self._first or frame
        self._last = frame
        self._everything.offer(frame)
        if self._reader is None:
            return
        self.hands_seen += self._reader.hands > 0
        # Faces in profile are detected as hands, but rarely in two successive frames.
        hands = self._filters['hands'].lasts(self._reader.hands > 0, frame.time)
        moves = self._filters['motion'].lasts(self._reader.moves, frame.time)
        hands = hands or (moves and frame.time - self._last_active <= _LONGEST_PAUSE)
        if hands:
            self._last_active = frame.time
        self._parts['hands'].add(frame, hands)
        self._parts['motion'].add(frame, moves)

    def certain_frames(self) -> list[RecordedFrame]:
        """Return the frames so far that certainly belong to the used part."""
        if self._reader is None:
            return self._everything.kept
        begun = (part.frames.kept for part in self._parts.values() if part.first is not None)
        return next(begun, [])

    def part(self) -> UsedPart:
        """Return the used part of the frames so far.

        Raises:
            ValueError: there is no frame yet.
        """
        if self._first is None or self._last is None:
            raise ValueError('there is no frame yet. Add one first')
        for name, part in self._parts.items():
            if part.first is None or part.last is None:
                continue
            if part.first is self._first and part.last is self._last:
                return self._whole(f'{name} from its beginning to its end')
            frames, held = tuple(part.frames.selection()), tuple(part.frames.kept)
            return UsedPart(frames, held, part.first, part.last, trimmed_by=name)
        return self._whole('' if self._reader is None else 'no activity was seen')

    def _whole(self, reason: str) -> UsedPart:
        assert self._first is not None
        assert self._last is not None
        frames, held = tuple(self._everything.selection()), tuple(self._everything.kept)
        return UsedPart(frames, held, self._first, self._last, reason=reason)
