# SPDX-License-Identifier: Apache-2.0
"""Detection of activity by hands."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.activity import Activity, MotionActivity, Persistence
from afformer_core.demonstrations.contact_reading.demonstration_reader import DemonstrationReader

# Maximum seconds between the last activity and motion that continues it.
_LONGEST_PAUSE = 2.0


class HandActivity:
    """A detector of activity by hands, and by motion that continues after a hand was seen.

    A hand that grips an object or turns away may not be detected again; the motion of the object
    shows that the hand is still there.

    Args:
        reader: detects the hands. It must observe each frame before this detector does.

    Attributes:
        motion: motion in the newest frame.
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
        # faces in profile are detected as hands, but rarely in two successive frames
        lasts = self._persistence.lasts(hands > 0, time)
        self.motion = self._detector.observe(image, time)
        goes_on = self.motion.active and time - self._last_active <= _LONGEST_PAUSE
        active = lasts or goes_on
        if active:
            self._last_active = time
        return Activity(active, hands=hands)


class MotionBeside:
    """A detector of motion that reuses the measurements of a hand detector.

    Args:
        hands: detector that must observe each frame first.
    """

    name = MotionActivity.name

    def __init__(self, hands: HandActivity) -> None:
        self._hands = hands

    def observe(self, image: NDArray[np.uint8], time: float) -> Activity:
        """Report motion in the next frame, see `ActivityDetector.observe`."""
        return self._hands.motion
