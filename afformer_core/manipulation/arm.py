# SPDX-License-Identifier: Apache-2.0
"""An arm as skills see it: what it measures, and how it is moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.joint_motion import JointMotion


@dataclass(frozen=True)
class ArmReading:
    """What an arm measures at one time.

    Attributes:
        seconds: time of the robot, from any beginning.
        positions: float64 [N] radians, of its joints.
        efforts: float64 [N] newton metres, of its joints beyond its own weight; None if not known.
        force: float64 [3] newtons at its wrist, in any frame that moves with it; None if no
            sensor publishes it.
    """

    seconds: float
    positions: NDArray[np.float64]
    efforts: NDArray[np.float64] | None = None
    force: NDArray[np.float64] | None = None


# Called with each reading during a motion; True halts the arm.
Guard = Callable[[ArmReading], bool]


class Arm(Protocol):
    """An arm with a gripper; each method waits for readings that are newer than its call.

    Each method raises an error if the arm does not answer; a moving arm is then halted.
    """

    def reading(self) -> ArmReading:
        """Return what the arm measures now."""

    def follow(self, motion: JointMotion, guard: Guard | None = None) -> bool:
        """Follow a motion, until the arm has arrived or settled.

        Returns:
            whether it has followed to the end; False if the guard has halted it.
        """

    def grip(self, position: float, effort: float) -> float:
        """Move the gripper's joint, and return the position at which it came to rest.

        Args:
            position: target, in the units of the joint.
            effort: maximum effort, in the units of its driver; 0: the driver's own maximum.
        """

    def wait(self, seconds: float) -> None:
        """Wait for seconds of the robot's time."""
