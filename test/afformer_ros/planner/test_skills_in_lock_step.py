# SPDX-License-Identifier: Apache-2.0
"""Every skill through the arm's client and a simulated arm, judged by how the parts have moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)
pytest.importorskip('rclpy')

from afformer_core.manipulation.contact import ArmContact
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_core.manipulation.skills import Skills
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, arm_model

from .bench import KNOB_AXIS, NAMES, bench_world, contact
from .lock_step import PERIOD, LockStep

# Lowest and highest positions of the joints, radians.
LIMITS = np.array(
    [
        [-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973],
        [2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973],
    ]
)


@pytest.fixture(scope='module')
def world() -> ArmWorld:
    return bench_world()


@pytest.fixture(scope='module')
def kinematics() -> TipKinematics:
    return TipKinematics(arm_model(), ARM_JOINTS, 'tip')


@pytest.fixture
def robot(world: ArmWorld) -> Iterator[LockStep]:
    """A robot at rest; whatever a test lets it do, it does within the limits of its joints."""
    world.reset()
    made = LockStep(world)
    yield made
    positions, speeds = np.array(made.positions), np.abs(made.velocities)
    # The client allows 1.2 rad/s; a joint that was pushed back may spring for an instant.
    assert speeds.max() < 1.45
    assert np.abs(np.diff(positions, axis=0)).max() < 1.45 * PERIOD
    assert (positions > LIMITS[0] - 0.01).all()
    assert (positions < LIMITS[1] + 0.01).all()
    assert world.arm_contacts == set()


def act(
    robot: LockStep, kinematics: TipKinematics, at: ArmContact, name: str
) -> NDArray[np.float64]:
    """Act; return the values of one part at all times, of which the others have moved nothing."""
    Skills(robot.arm, kinematics, 0.1).act(at)
    values = np.array(robot.values)
    others = np.delete(values, NAMES.index(name), axis=1)
    assert np.abs(others).max() < 0.001
    return values[:, NAMES.index(name)]


def seconds(held: NDArray[np.bool_]) -> float:
    return float(held.sum() * PERIOD)


def test_a_hold_keeps_the_switch_pressed_longer_than_a_touch(
    robot: LockStep, kinematics: TipKinematics
) -> None:
    switch = act(robot, kinematics, contact('switch'), 'switch')
    held = seconds(switch < -0.005)
    robot.reset()
    shorter = replace(contact('switch'), action='touch')
    pressed = seconds(act(robot, kinematics, shorter, 'switch') < -0.005)
    assert held - pressed == pytest.approx(0.7, abs=0.1)
    assert switch[-1] == pytest.approx(0.0, abs=0.001)


@pytest.mark.parametrize(
    ('axis', 'wrist', 'sense'), [(KNOB_AXIS, -2.8, 1.0), (-KNOB_AXIS, 2.8, -1.0)]
)
def test_a_turn_has_the_known_axis_and_sense_and_room_for_it_in_the_wrist(
    robot: LockStep,
    kinematics: TipKinematics,
    axis: NDArray[np.float64],
    wrist: float,
    sense: float,
) -> None:
    # With the last joint near a stop, the roll that is nearest has no room to turn.
    start = robot.world.posture('observe')
    start[6] = wrist
    robot.arm.follow([start], 1.0)
    knob = act(robot, kinematics, contact('knob', axis), 'knob')
    # 1.2 rad but for how the knob tilts in the gripper.
    assert 0.95 < sense * knob[-1] < 1.4
    assert (sense * knob).min() > -0.05
    assert np.abs(np.array(robot.positions)[:, 6]).max() < 2.88
    assert robot.world.held is None


def test_what_is_put_down_was_lifted_and_is_let_go(
    robot: LockStep, kinematics: TipKinematics
) -> None:
    pan = act(robot, kinematics, contact('pan'), 'pan')
    assert pan.max() == pytest.approx(0.099, abs=0.006)
    assert pan[-1] == pytest.approx(0.0, abs=0.002)
    assert robot.world.held is None


def test_the_arm_leaves_a_part_as_far_as_it_came_from(
    robot: LockStep, kinematics: TipKinematics
) -> None:
    act(robot, kinematics, contact('button'), 'button')
    tip = robot.world.tip_pose().position
    way, normal = tip - contact('button').point, contact('button').normal
    assert way @ normal == pytest.approx(0.093, abs=0.006)
    assert np.linalg.norm(np.cross(way, normal)) < 0.008
