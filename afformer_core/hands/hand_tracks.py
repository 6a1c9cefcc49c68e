# SPDX-License-Identifier: Apache-2.0
"""Tracks of hands from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.contact_estimate import ContactEstimate, hand_size

Landmarks = NDArray[np.float64]

# Landmarks of the palm, whose middle hardly moves with the fingers.
_PALM = [0, 5, 9, 13, 17]
# Largest step between two frames in hand sizes, and largest factor of its size.
_FARTHEST_STEP = 2.0
_SIZE_FACTOR = 2.0
# Longest time without a detection, seconds.
_LONGEST_GAP = 1.0
# Seconds, as in `demonstrations.activity.Persistence`: faces are detected as hands in a few
# frames.
_LEAST_LASTING = 0.1


@dataclass
class HandTrack:
    """One hand over time.

    Attributes:
        first, last: times of its first and last detection, seconds.
        landmarks: landmarks of its last detection, [21, 2] pixels.
        number: number of the track in its video, from 0.
        contact: estimate of its contact.
    """

    first: float
    last: float
    landmarks: Landmarks
    number: int
    contact: ContactEstimate = field(default_factory=ContactEstimate)

    @property
    def lasts(self) -> bool:
        """Whether the hand was detected for too long to be a face."""
        return self.last - self.first >= _LEAST_LASTING


class HandTracks:
    """The tracks of one video; tracks of hands that left are forgotten."""

    def __init__(self) -> None:
        self._tracks: list[HandTrack] = []
        self._count = 0

    def observe(
        self, time: float, hands: Sequence[Landmarks], image: tuple[int, int]
    ) -> list[HandTrack]:
        """Assign each hand of the next frame to the nearest track, or to a new one.

        Args:
            time: time of the frame, seconds.
            hands: landmarks of its hands, [21, 2] pixels each.
            image: (width, height) of the frame.

        Returns:
            the track of each hand.
        """
        self._tracks = [track for track in self._tracks if time - track.last <= _LONGEST_GAP]
        steps = [
            (_step(track.landmarks, hand), old, new)
            for old, track in enumerate(self._tracks)
            for new, hand in enumerate(hands)
        ]
        found: dict[int, HandTrack] = {}
        taken: set[int] = set()
        for step, old, new in sorted(steps):
            if step <= _FARTHEST_STEP and old not in taken and new not in found:
                found[new] = self._tracks[old]
                taken.add(old)
        for new, hand in enumerate(hands):
            if new not in found:
                found[new] = HandTrack(time, time, hand, self._count)
                self._tracks.append(found[new])
                self._count += 1
            found[new].last, found[new].landmarks = time, hand
            found[new].contact.observe(time, hand, image)
        return [found[new] for new in range(len(hands))]


def _step(before: Landmarks, after: Landmarks) -> float:
    """Compute how far a hand moved, in hand sizes; infinite if it cannot be the same hand."""
    sizes = hand_size(before), hand_size(after)
    if max(sizes) > _SIZE_FACTOR * min(sizes):
        return np.inf
    return float(np.linalg.norm(after[_PALM].mean(0) - before[_PALM].mean(0))) / max(sizes)
