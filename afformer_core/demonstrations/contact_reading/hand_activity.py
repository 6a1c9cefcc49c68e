# SPDX-License-Identifier: Apache-2.0
"""Hands as the sign of activity."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.activity import Activity, MotionActivity, Persistence
from afformer_core.demonstrations.contact_reading.demonstration_reader import DemonstrationReader

# Seconds from the last activity to motion that goes on with it.
_LONGEST_PAUSE = 2.0


class HandActivity:
    """Detector of activity by hands, and by what moves on after a hand was seen.

    A hand that grips something or turns away may not be found again; what it moves tells that it
    is still there.

    Args:
        reader: detects the hands. It has observed each frame before this is given it.

    Attributes:
        motion: what moves in the newest frame.
    """

    name = 'hands'

    def __init__(self, reader: DemonstrationReader) -> None:
        self._reader = reader
        self._persistence = Persistence()
        self._detector = MotionActivity()
        self._last_active = -math.inf
        self.motion = Activity(False)

    def observe(self, image: NDArray[np.uint8], time: float) -> Activity:
        """Report the hands in the next frame, see `ActivityDetector.observe`."""
        hands = self._reader.hands
        # faces in profile are taken for hands, but rarely in two successive frames
        lasts = self._persistence.lasts(hands > 0, time)
        self.motion = self._detector.observe(image, time)
        goes_on = self.motion.active and time - self._last_active <= _LONGEST_PAUSE
        active = lasts or goes_on
        if active:
            self._last_active = time
        return Activity(active, hands=hands)


class MotionBeside:
    """Detector of motion that takes over what one of hands has measured.

    Args:
        hands: is given each frame first.
    """

    name = MotionActivity.name

    def __init__(self, hands: HandActivity) -> None:
        self._hands = hands

    def observe(self, image: NDArray[np.uint8], time: float) -> Activity:
        """Report what moves in the next frame, see `ActivityDetector.observe`."""
        return self._hands.motion
