# SPDX-License-Identifier: Apache-2.0
"""Detection of hands in real videos with MediaPipe's networks, with estimated contact."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.contact_estimate import REST, fingertips, hand_size
from afformer_core.hands.hand import Hand, HandDetector
from afformer_core.hands.hand_landmarker import HandLandmarker
from afformer_core.hands.hand_tracks import HandTrack, HandTracks
from afformer_core.hands.landmarks.hand_networks import networks_sha256
from afformer_core.media.video import VideoFrame

# The low detection threshold keeps the first frames of a hand; the high presence threshold drops a
# face after a frame or two.
_DETECTION_CONFIDENCE = 0.3
_PRESENCE_CONFIDENCE = 0.7
# In hand sizes, from the outermost landmarks, which lie inside the fingers, to the hand's edges.
_MARGIN = 0.2

_Seen = list[tuple[HandTrack, NDArray[np.float64]]]


class MediaPipeHands(HandDetector):
    """A `HandDetector` with `HandLandmarker`, whose contact is an estimate.

    A detection that lasts less than 0.1 s does not count, because faces in profile are detected as
    hands for a frame or two. Contact comes from `contact_estimate`, and `Hand.score` is the
    confidence of that estimate; it looks half a second ahead, and needs at least two frames per
    second.

    Raises:
        HandModelError: the networks' files are missing or damaged.
    """

    # Frames must not be farther apart than a hand rests.
    least_rate = 1 / REST
    # The estimate rarely reaches the paper's 0.99. Of frames of simulated hands with an estimate
    # of at least 0.8, 88 % show contact and 95 % are within 0.2 s of contact.
    interaction_score = 0.8

    def __init__(self) -> None:
        self.name = f'mediapipe_hands {networks_sha256()[:8]}'

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        """Detect the hands in each frame of a video (see `HandDetector.detect`)."""
        tracks = HandTracks()
        waiting: deque[tuple[float, _Seen]] = deque()
        landmarker = HandLandmarker(_DETECTION_CONFIDENCE, _PRESENCE_CONFIDENCE)
        for frame in frames:
            hands = [hand.landmarks for hand in landmarker.detect(frame.image, frame.time)]
            height, width = frame.image.shape[:2]
            found = tracks.observe(frame.time, hands, (width, height))
            waiting.append((frame.time, list(zip(found, hands, strict=True))))
            while waiting[0][0] <= frame.time - REST:
                yield _hands(*waiting.popleft())
        for time, seen in waiting:
            yield _hands(time, seen)


def _hands(time: float, seen: _Seen) -> tuple[Hand, ...]:
    """Convert the tracks in a frame to hands, after the following frames are known."""
    hands = []
    for track, landmarks in seen:
        if track.lasts:
            likely = track.contact.at(time)
            x, y = fingertips(landmarks).tolist()
            score = max(likely, 1 - likely)
            hands.append(Hand(_box(landmarks), likely >= 0.5, score, (x, y)))
    return tuple(sorted(hands, key=lambda hand: -hand.score))


def _box(landmarks: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Compute (left, top, right, bottom) around the whole hand, in pixels."""
    margin = _MARGIN * hand_size(landmarks)
    left, top = landmarks.min(0) - margin
    right, bottom = landmarks.max(0) + margin
    return float(left), float(top), float(right), float(bottom)
