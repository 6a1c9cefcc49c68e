# SPDX-License-Identifier: Apache-2.0
"""The client of an arm that stands in, and motions for it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from afformer_core.manipulation.joint_motion import JointMotion
from afformer_ros.planner.arm_client import ArmClient
from afformer_ros.planner.waiting import Waiting
from afformer_sim.arm.franka import ARM_JOINTS

from .stand_in_arm import FINGER, StandInArm

START = np.array([0.11, -0.52, 0.23, -2.04, 0.31, 1.77, 0.64])


class Connected:
    """The client of an arm, and the arm."""

    def __init__(
        self, arm: StandInArm, standstill: float = 20.0, name: str = 'planner', **options: Any
    ) -> None:
        self.arm = arm
        self.finished = threading.Event()
        self.node = arm.planner_node(name)
        self.waiting = Waiting(self.node.get_clock(), self.finished, standstill)
        self.client = ArmClient(self.node, ARM_JOINTS, FINGER, self.waiting, **options)

    def block(self) -> None:
        """Put a wall where the tip stops the first joint from turning to the left."""
        kinematics = self.arm.kinematics
        tip = kinematics.tip(START).translation
        normal = tip - kinematics.tip(moved(joint1=0.1)).translation
        normal /= np.linalg.norm(normal)
        # The arm stops 2 mm behind a wall.
        self.arm.wall = tip + 0.0019 * normal, normal


def moved(**by_joint: float) -> np.ndarray:
    """Positions of the start, with joints moved by radians."""
    positions = START.copy()
    for name, angle in by_joint.items():
        positions[int(name[-1]) - 1] += angle
    return positions


def line(end: np.ndarray, seconds: float, start: np.ndarray = START) -> JointMotion:
    """A motion at even speed, with numbers that say so except at its ends."""
    shares = np.array([[0.0], [0.3], [1.0]])
    velocities = np.array([[0.0], [1.0], [0.0]]) * (end - start) / seconds
    accelerations = np.array([[0.7], [0.0], [-0.2]]) * (end - start)
    return JointMotion(
        seconds * shares[:, 0], start + shares * (end - start), velocities, accelerations
    )
