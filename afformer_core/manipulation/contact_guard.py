# SPDX-License-Identifier: Apache-2.0
"""Guards of a motion: they halt an arm whose tip is stopped, or pushes too hard."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.arm import ArmReading
from afformer_core.manipulation.kinematics import TipKinematics

# Seconds in which an arm halts: its force grows meanwhile as fast as before; and share of the
# limit at which it is halted, because joints settle after that.
_REACTION, _SHARE = 0.03, 0.9
# Damping of the force that efforts of joints mean, square metres, so that a stretched arm does not
# exaggerate it.
_DAMPING = 1e-3
# Seconds over which the speed of the tip is measured; share of its speed below which it counts as
# stopped, and above which it has started; seconds in which it starts on a busy computer.
_WINDOW, _STOPPED, _STARTED, _STARTING = 0.15, 0.35, 0.6, 0.8
# Metres before the end in which the motion slows down by itself.
_BRAKING = 0.003


class TipForce:
    """The change of the force at the tip since the beginning of a motion.

    A sensor at the wrist is preferred to the efforts of the joints.

    Args:
        kinematics: kinematics of the arm.
        begin: reading before the motion.
    """

    def __init__(self, kinematics: TipKinematics, begin: ArmReading) -> None:
        self._kinematics = kinematics
        self._begin = begin

    def of(self, reading: ArmReading) -> float:
        """Return the change in newtons, at least 0; NaN if nothing measures it."""
        begin = self._begin
        if reading.force is not None and begin.force is not None:
            return float(np.linalg.norm(reading.force - begin.force))
        if reading.efforts is None or begin.efforts is None:
            return math.nan
        # A contact at the tip has no torque about it.
        jacobian = self._kinematics.jacobian(reading.positions)[:3]
        squared = jacobian @ jacobian.T + _DAMPING * np.eye(3)
        force = np.linalg.solve(squared, jacobian @ (reading.efforts - begin.efforts))
        return float(np.linalg.norm(force))


class ForceGuard:
    """A guard that halts an arm before its force exceeds a limit.

    The force is extrapolated by the time in which an arm halts.

    Args:
        force: force at the tip.
        limit: newtons.

    Attributes:
        largest: largest force so far in newtons; NaN if nothing measures it.
    """

    def __init__(self, force: TipForce, limit: float) -> None:
        self._force = force
        self._limit = limit
        self._before: tuple[float, float] | None = None
        self.largest = math.nan

    def __call__(self, reading: ArmReading) -> bool:
        """Check whether the arm must halt."""
        now = self._force.of(reading)
        if math.isnan(now):
            return False
        self.largest = float(np.fmax(self.largest, now))
        expected = now
        if self._before is not None and reading.seconds > self._before[0]:
            seconds, force = self._before
            expected += max(0.0, (now - force) / (reading.seconds - seconds)) * _REACTION
        self._before = reading.seconds, now
        return expected >= _SHARE * self._limit


class ContactGuard:
    """A guard that halts an arm whose tip is stopped on a straight line.

    With a known force, the tip is stopped by more than the force of a contact. Otherwise it is
    stopped if it is slower than a third of its speed.

    Args:
        kinematics: kinematics of the arm.
        begin: reading before the motion.
        direction: float64 [3], of length 1, of the motion.
        length: metres.
        speed: metres per second.
        contact_force: newtons of a contact.
        maximum_force: newtons that the tip must not exceed.
    """

    def __init__(
        self,
        kinematics: TipKinematics,
        begin: ArmReading,
        direction: NDArray[np.float64],
        length: float,
        speed: float,
        contact_force: float,
        maximum_force: float,
    ) -> None:
        self._kinematics = kinematics
        self._force = TipForce(kinematics, begin)
        self._limit = ForceGuard(self._force, maximum_force)
        self._contact_force = contact_force
        self._direction = direction
        self._origin = kinematics.tip(begin.positions).translation
        self._length, self._speed = length, speed
        # Time of the first reading of the motion: its planning does not count.
        self._begun = math.inf
        self._passed: deque[tuple[float, float]] = deque()
        self._started = False

    @property
    def force(self) -> float:
        """Largest force so far in newtons; NaN if nothing measures it."""
        return self._limit.largest

    def __call__(self, reading: ArmReading) -> bool:
        """Check whether the arm must halt."""
        if self._limit(reading):
            return True
        force = self._force.of(reading)
        return self._is_stalled(reading) if math.isnan(force) else force >= self._contact_force

    def _is_stalled(self, reading: ArmReading) -> bool:
        tip = self._kinematics.tip(reading.positions).translation
        gone, now = float((tip - self._origin) @ self._direction), reading.seconds
        self._begun = min(self._begun, now)
        self._passed.append((now, gone))
        while len(self._passed) > 1 and now - self._passed[1][0] >= _WINDOW:
            self._passed.popleft()
        seconds, before = now - self._passed[0][0], gone - self._passed[0][1]
        if seconds < _WINDOW or gone > self._length - _BRAKING:
            return False
        share = before / (seconds * self._speed)
        self._started = self._started or share > _STARTED
        return share < _STOPPED and (self._started or now - self._begun > _STARTING)
