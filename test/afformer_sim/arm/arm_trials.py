# SPDX-License-Identifier: Apache-2.0
"""Trials with a keypad and a drawer, and commands to their arm."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS
from afformer_sim.arm.joint_trajectory import JointTrajectory
from afformer_sim.arm.workplace import shared_kinematics
from afformer_sim.closed_loop.trial import ClosedLoopSettings, PlannedTrial, plan_trials
from afformer_sim.scene.view import front_centre


@lru_cache
def keypad_trial() -> PlannedTrial:
    """The second demonstration of the first scene: a button of a keypad is touched."""
    settings = ClosedLoopSettings(families=('keypad',), size=(320, 240))
    trial = plan_trials(settings, 0)[2]
    assert trial.task.action == 'touch'
    return trial


@lru_cache
def drawer_trial() -> PlannedTrial:
    """The first trial in which a drawer is pulled."""
    settings = ClosedLoopSettings(families=('drawers',), size=(320, 240))
    trials = (trial for index in range(9) for trial in plan_trials(settings, index))
    return next(trial for trial in trials if trial.task.action == 'pull')


def front_of(world: ArmWorld, element: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle of an element's front, and the direction against its normal, in the base."""
    base, one = world.workplace.base, world.trial.scene.fixture.elements[element]
    inverse = base.rotation.T
    return inverse @ (front_centre(one) - base.position), inverse @ -one.pose.rotation[:, 2]


def move(world: ArmWorld, *positions: np.ndarray, seconds: float) -> None:
    """Follow equally spaced points, and simulate until shortly after the last."""
    times = seconds * np.arange(1, len(positions) + 1) / len(positions)
    world.follow(JointTrajectory(ARM_JOINTS, times, np.array(positions)))
    world.advance(seconds + 0.1)


def press(world: ArmWorld, point: np.ndarray, ahead: np.ndarray, depth: float = 0.008) -> None:
    """Go straight to a point in the base's frame, press it so deep, and retreat."""
    way = shared_kinematics().approach(point + depth * ahead, ahead, 0.05 + depth)
    move(world, way[0], seconds=2.0)
    move(world, *way, seconds=1.0)
    move(world, *reversed(way), seconds=0.5)
