# SPDX-License-Identifier: Apache-2.0
"""The contact of a demonstration, read from its frames."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.arrays import FloatArray


@dataclass(frozen=True)
class TrackedCandidate:
    """A candidate for the contact.

    Attributes:
        x, y: position in the first frame, as shares of its width and height, 0 to 1.
        probability: probability that it is the contact, provided that one of the candidates is.
        track: number of the hand's track; None without a hand.
        time: time at which the contact begins, in seconds; None without a hand.
    """

    x: float
    y: float
    probability: float
    track: int | None
    time: float | None


@dataclass(frozen=True)
class ContactReading:
    """The contact of a demonstration, over its first frame.

    Attributes:
        log_probabilities: float32 [h, w]; the probabilities add up to 1.
        candidates: candidates, at least one, the most probable first.
    """

    log_probabilities: FloatArray
    candidates: tuple[TrackedCandidate, ...]
