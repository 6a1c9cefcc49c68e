# SPDX-License-Identifier: Apache-2.0
"""The contact of a demonstration, as it is read from its frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray


@dataclass(frozen=True)
class ContactCandidate:
    """A point that may be the contact.

    Attributes:
        x, y: in the first frame, as shares of its width and height, 0 to 1.
        probability: that the contact is near it, 0 to 1.
        track: number of the hand's track; None if it is no hand's.
        time: seconds at which the contact begins; None without a hand.
    """

    x: float
    y: float
    probability: float
    track: int | None
    time: float | None


@dataclass(frozen=True)
class HandMotion:
    """Motion of one hand from its likeliest moment of contact on; N frames.

    Attributes:
        track: number of the hand's track.
        time: the moment, in seconds.
        score: logarithm of its weight against the best moment of all hands, at most 0.
        times: [N] seconds, of which the first is the moment.
        path: [N, 2], fingertip against the background, from where it is at the moment, in shares
            of the frame's diagonal; rightwards and downwards.
        gaps: [N], gap of thumb and index finger in hand sizes.
        comotion: [N], share of the fingertip's surroundings that moves like the hand, 0 to 1; NaN
            if unknown.
        turns: [N], radians a second by which the surroundings turn, clockwise in the image; NaN
            if unknown.
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
    """Measures that tell how far a reading can be trusted.

    Attributes:
        hand_share: share of the frames in which a hand was detected.
        entropy: entropy of the contact as a share of that of a uniform map, 0 to 1.
        mass: probability within 5 % of the diagonal of the best candidate.
        tracks: number of hands that last.
        margin: logarithm of the weight of the best moment over that of the best one elsewhere;
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
        candidates: at least one, the likeliest first.
        hands: motion of each hand that lasts, by the number of its track.
        measures: how far it can be trusted.
    """

    log_probabilities: FloatArray
    candidates: tuple[ContactCandidate, ...]
    hands: tuple[HandMotion, ...]
    measures: ReadingMeasures

    def hand(self, candidate: ContactCandidate) -> HandMotion | None:
        """Return the motion of a candidate's hand, or None if it is no hand's."""
        return next((one for one in self.hands if one.track == candidate.track), None)
