# SPDX-License-Identifier: Apache-2.0
"""Trials with a keypad, a drawer and a bar, and commands to their arm."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, FINGER_JOINTS, arm_model
from afformer_sim.arm.joint_trajectory import JointTrajectory
from afformer_sim.arm.workplace import Workplace
from afformer_sim.bodies.element import Element, Fingertip, Front, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Pose, Solid, SolidShape, at
from afformer_sim.cameras.camera import look_at
from afformer_sim.closed_loop.dynamics import Task
from afformer_sim.closed_loop.trial import ClosedLoopSettings, PlannedTrial, plan_trials
from afformer_sim.scene.view import front_centre


@lru_cache
def kinematics() -> TipKinematics:
    return TipKinematics(arm_model(), ARM_JOINTS, 'tip')


def approach(point: np.ndarray, ahead: np.ndarray, distance: float) -> list[np.ndarray]:
    """Joint positions with the tip ahead, at each centimetre of a straight way to a point."""
    before = np.linspace(distance, 0.0, round(distance / 0.01) + 1)
    return next(kinematics().approaches([point - step * ahead for step in before], ahead, READY))


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


# The axes of the arm's base in the fixture's frame, as columns: x ahead, z up.
BASE = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
# The middle of the bar's front, and the direction ahead, in the frame of the arm's base.
BAR_FRONT, AHEAD = np.array([0.52, 0.03, 0.44]), np.array([1.0, 0.0, 0.0])
READY = np.array([0.4, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785])
TOWARDS_ARM = Joint((0.0, 0.0, 1.0))


def block(name: str, front: Pose, half: tuple[float, float, float], use: Use) -> Element:
    """A block behind its front, whose frame is given in the frame of the arm's base."""
    solid = Solid(SolidShape.BOX, half, (0.5, 0.5, 0.5), at(0.0, 0.0, -half[2]))
    pose = Pose(np.zeros(3), BASE) @ front
    rectangle = Front((0.0, 0.0, 0.0), 0.02, 0.02)
    return Element(name, pose, (solid,), solid.corners(), rectangle, (use,))


def world_of(*elements: Element, **settings: float) -> ArmWorld:
    """A world of elements before an arm at the origin; its task is the first use of the first."""
    first = elements[0].uses[0]
    trial = SimpleNamespace(
        scene=SimpleNamespace(family='bench', fixture=Fixture('bench', elements, (), -0.5, -1.0)),
        task=Task(0, first.action),
        view=SimpleNamespace(
            camera=look_at(np.array([-0.5, 0.5, 0.2]), np.array([0.0, 0.4, -0.6]), 0.0, 40.0),
            surroundings=SimpleNamespace(table=None),
        ),
    )
    workplace = Workplace(Pose(np.zeros(3), BASE), 1, np.array([0.0, 0.4, -0.6]), -0.5, -1.0, 0.0)
    return ArmWorld(cast(Any, trial), workplace, **settings)


def bar_world(
    width: float, joint: Joint | None = TOWARDS_ARM, reach: float = 0.12, **settings: float
) -> ArmWorld:
    """An upright bar of 120 x 30 mm and a width, metres, that a joint moves up to its reach."""
    use = Use('pull', (Fingertip(0.02, 0.02, 0.02),), joint, after=(reach, reach))
    front = Pose(BAR_FRONT, BASE.T)
    return world_of(block('bar', front, (width / 2, 0.06, 0.015), use), **settings)


def bar_path(points: np.ndarray, roll: float = 0.0, start: np.ndarray = READY) -> list[np.ndarray]:
    """Joint positions with the tip at points, ahead, and its fingers beside the bar or rolled."""
    across = np.array([0.0, np.cos(roll), np.sin(roll)])
    rotation = np.stack([np.cross(across, AHEAD), across, AHEAD], axis=1)
    return kinematics().path([RigidTransform(rotation, point) for point in points], start)


def straddle(world: ArmWorld, aside: float = 0.0, roll: float = 0.0) -> list[np.ndarray]:
    """Move the open tips to 15 mm beyond the front of the bar; return the path from 10 cm before.

    Args:
        aside: metres from the bar's middle across it, to the left.
        roll: radians by which the motion of the fingers is turned from across the bar.
    """
    way = bar_path(BAR_FRONT + [[step, aside, 0.0] for step in np.linspace(-0.1, 0.015, 12)], roll)
    move(world, way[0], seconds=3.0)
    move(world, *way, seconds=2.0)
    return way


def move_gripper(
    world: ArmWorld, opening: float, effort: float | None = None, later: float = 0.0
) -> None:
    """Move the fingers to a position in 0.3 s, at once or later, with an effort; advance 0.7 s."""
    efforts = None if effort is None else np.array([[effort]])
    positions = np.array([[opening]])
    world.move_gripper(
        JointTrajectory(FINGER_JOINTS[:1], np.array([0.3]), positions, efforts=efforts),
        world.time + later,
    )
    world.advance(0.7)


def front_of(world: ArmWorld, element: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle of an element's front, and the direction against its normal, in the base."""
    to_base, one = world.workplace.base.inverse(), world.trial.scene.fixture.elements[element]
    return to_base.apply(front_centre(one)), to_base.direct(-one.pose.rotation[:, 2])


def move(world: ArmWorld, *positions: np.ndarray, seconds: float) -> None:
    """Follow equally spaced points, and simulate until shortly after the last."""
    times = seconds * np.arange(1, len(positions) + 1) / len(positions)
    world.follow(JointTrajectory(ARM_JOINTS, times, np.array(positions)))
    world.advance(seconds + 0.1)


def press(world: ArmWorld, point: np.ndarray, ahead: np.ndarray, depth: float = 0.008) -> None:
    """Go straight to a point in the base's frame, press it so deep, and retreat, tips closed."""
    move_gripper(world, 0.0)
    way = approach(point + depth * ahead, ahead, 0.05 + depth)
    move(world, way[0], seconds=2.0)
    move(world, *way, seconds=1.0)
    move(world, *reversed(way), seconds=0.5)
