# SPDX-License-Identifier: Apache-2.0
"""Estimation of contact from the motion of a hand's landmarks.

MediaPipe does not detect contact. A hand that operates a part approaches, slows down, rests for a
moment with its fingertips at one point, and leaves. The estimate measures how still the tip of the
index finger, or the point between it and the thumb, is for half a second around a frame. A hand
that hesitates before contact looks the same, and a hand that moves a held object is missed while
it moves.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

# Shortest rest of a hand, and how far ahead of a frame the estimate looks, in seconds.
REST = 0.5

# Landmarks of MediaPipe.
_WRIST, _THUMB_TIP, _INDEX_KNUCKLE, _INDEX_TIP = 0, 4, 5, 8
_MIDDLE_KNUCKLE, _LITTLE_KNUCKLE = 9, 17
# Ratio of the length of a palm to the breadth of its knuckles; from the side, one of them looks
# shorter.
_PALM_ASPECT = 1.5
# In hand sizes: a fingertip that moves by this much rests with a probability of one half.
_STRAY = 0.12
# In hand sizes: closer tips of thumb and index finger hold an object.
_PINCH = 0.6
# Seconds. A hand that rests longer does not operate anything.
_LONGEST_REST = 8.0


def hand_size(landmarks: NDArray[np.float64]) -> float:
    """Estimate the length of the palm, in the unit of the landmarks, [21, 2]."""
    length = np.linalg.norm(landmarks[_MIDDLE_KNUCKLE] - landmarks[_WRIST])
    breadth = np.linalg.norm(landmarks[_LITTLE_KNUCKLE] - landmarks[_INDEX_KNUCKLE])
    return max(float(length), _PALM_ASPECT * float(breadth), 1e-6)


def fingertips(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the point of possible contact, (x, y) in the unit of the landmarks, [21, 2].

    This is the tip of the index finger, or the middle between it and the thumb's tip if they are
    close.
    """
    thumb, index = landmarks[_THUMB_TIP], landmarks[_INDEX_TIP]
    pinches = np.linalg.norm(thumb - index) < _PINCH * hand_size(landmarks)
    return np.asarray((thumb + index) / 2 if pinches else index, np.float64)


class ContactEstimate:
    """A running estimate of the contact of one hand; its memory is bounded."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._positions: deque[NDArray[np.float64]] = deque()
        self._sizes: deque[float] = deque()
        self._rests_since: float | None = None

    def observe(self, time: float, landmarks: NDArray[np.float64], image: tuple[int, int]) -> None:
        """Add the hand in a later frame.

        Args:
            time: time of the frame, seconds.
            landmarks: MediaPipe's landmarks, [21, 2] pixels.
            image: (width, height) of the frame; landmarks outside it are guesses and are ignored.
        """
        positions = landmarks[[_INDEX_TIP, _INDEX_TIP]].astype(np.float64)
        positions[1] = (landmarks[_THUMB_TIP] + landmarks[_INDEX_TIP]) / 2
        positions[~((positions >= 0) & (positions <= image)).all(1)] = np.nan
        self._times.append(time)
        self._positions.append(positions)
        self._sizes.append(hand_size(landmarks))

    def at(self, time: float) -> float:
        """Estimate the probability of contact, 0 to 1.

        Args:
            time: time of an observed frame, not before that of the last call. All frames of the
                half second after it, and the first one after that, should be observed, too.
        """
        while len(self._times) > 1 and self._times[1] < time - 2 * REST:
            for kept in (self._times, self._positions, self._sizes):
                kept.popleft()
        likely = 1 / (1 + (self._least_stray(time) / _STRAY) ** 2)
        if likely < 0.5:
            self._rests_since = None
            return likely
        if self._rests_since is None:
            self._rests_since = time
        return likely if time - self._rests_since <= _LONGEST_REST else 0.0

    def _least_stray(self, time: float) -> float:
        """Compute how far, in hand sizes, the stiller fingertip moves while resting around a time.

        Infinite if the hand is not visible for long enough around that time.
        """
        times = np.array(self._times)
        positions = np.stack(self._positions) / np.median(self._sizes)
        least = np.inf
        for first in np.flatnonzero((times <= time) & (times > time - 2 * REST)):
            last = int(np.searchsorted(times, times[first] + REST - 1e-6))
            # Between frames this far apart, the hand may have moved and come back.
            if last == len(times) or times[last] < time or times[last] - times[first] > 2 * REST:
                continue
            rest = positions[first : last + 1]
            stray = np.linalg.norm(rest - rest.mean(0), axis=2).max(0)
            least = min(least, float(np.nan_to_num(stray, nan=np.inf).min()))
        return least
