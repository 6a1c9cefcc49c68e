# SPDX-License-Identifier: Apache-2.0
"""Memory of the appearance of the last found peak."""

from __future__ import annotations

import math

import numpy as np

from afformer_core.arrays import FloatArray

_TIME_CONSTANT = 1.0


class PlaceMemory:
    """Tells the place that was found from another that the model points at while it is covered.

    What covers the place, a hand or a passer-by, looks different, and the model may point at the
    next best place meanwhile, with as much confidence and in the same surroundings. On 60
    simulated appliances the place seen by a camera that moved on had a median cosine of 0.96 with
    itself, 0.91 at the 5th percentile, and another element of the same appliance 0.75: half of
    the look-alikes are told apart by a threshold there, and no step of the camera is taken for
    one. The memory follows slow changes of light and viewpoint over a second.
    """

    def __init__(self) -> None:
        self._place: FloatArray | None = None
        self._stamp = 0

    def forget(self) -> None:
        """Take the next place as it comes."""
        self._place = None

    def forget_before(self, stamp: int) -> None:
        """Forget a place that was last found before a stamp, in nanoseconds."""
        if self._stamp < stamp:
            self.forget()

    def continuity(self, place: FloatArray) -> float:
        """Cosine of a place with the one that was found before; 1 where there was none.

        Args:
            place: float32 [C] of length 1.
        """
        return 1.0 if self._place is None else float(place @ self._place)

    def add(self, place: FloatArray, stamp: int) -> None:
        """Remember a place that was found.

        Args:
            place: float32 [C] of length 1.
            stamp: nanoseconds.
        """
        if self._place is None:
            self._place = place
        else:
            elapsed = max(0.0, (stamp - self._stamp) * 1e-9)
            share = np.float32(1 - math.exp(-elapsed / _TIME_CONSTANT))
            blend = self._place + share * (place - self._place)
            self._place = np.asarray(blend / (np.linalg.norm(blend) + 1e-6), dtype=np.float32)
        self._stamp = stamp
