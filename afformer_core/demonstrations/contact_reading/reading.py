# SPDX-License-Identifier: Apache-2.0
"""The contact of a demonstration, read from its frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray


@dataclass(frozen=True)
class ContactCandidate:
    """A candidate for the contact.

    Attributes:
        x, y: position in the first frame, as shares of its width and height, 0 to 1.
        probability: probability that the contact is near it, 0 to 1.
        track: number of the hand's track; None without a hand.
        time: time at which the contact begins, in seconds; None without a hand.
    """

    x: float
    y: float
    probability: float
    track: int | None
    time: float | None


@dataclass(frozen=True, kw_only=True)
class HandMotion:
    """Motion of one hand after its most probable moment of contact, in N frames.

    Attributes:
        track: number of the hand's track.
        time: the moment, in seconds.
        score: logarithm of its weight relative to the best moment of all hands, at most 0.
        times: [N] seconds, of which the first is the moment.
        path: [N, 2], displacement of the fingertip against the background since the moment,
            rightwards and downwards, as shares of the frame's diagonal.
        gaps: [N], gap of thumb and index finger in hand sizes.
        comotion: [N], share of the fingertip's surroundings that moves like the hand, 0 to 1; NaN
            if unknown.
        turns: [N], angular velocity of the surroundings in radians per second, clockwise in the
            image; NaN if unknown.
    """

    track: int
    time: float
    score: float
    times: NDArray[np.float64]
    path: NDArray[np.float64]
    gaps: NDArray[np.float64]
    comotion: NDArray[np.float64]
    turns: NDArray[np.float64]


@dataclass(frozen=True)
class ReadingMeasures:
    """Measures of the reliability of a reading.

    Attributes:
        hand_share: share of the frames in which a hand was detected.
        entropy: entropy of the contact as a share of the entropy of a uniform map, 0 to 1.
        mass: probability within 5 % of the diagonal of the best candidate.
        tracks: number of hands with a lasting track.
        margin: log-ratio between the weights of the best moment and of the best moment elsewhere;
            infinite without another, NaN without a hand.
        camera_moves: whether the camera moves.
    """

    hand_share: float
    entropy: float
    mass: float
    tracks: int
    margin: float
    camera_moves: bool


@dataclass(frozen=True)
class ContactReading:
    """The contact of a demonstration, over its first frame.

    Attributes:
        log_probabilities: float32 [h, w]; the probabilities add up to 1.
        candidates: candidates, at least one, the most probable first.
        hands: motion of each hand with a lasting track, by the number of the track.
        measures: measures of its reliability.
    """

    log_probabilities: FloatArray
    candidates: tuple[ContactCandidate, ...]
    hands: tuple[HandMotion, ...]
    measures: ReadingMeasures

    def hand(self, candidate: ContactCandidate) -> HandMotion | None:
        """Return the motion of a candidate's hand, or None if it has no hand."""
        return next((hand for hand in self.hands if hand.track == candidate.track), None)
