# SPDX-License-Identifier: Apache-2.0
"""Skills on a simulated arm, judged by the state of the simulated parts afterwards."""

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

from afformer_core.manipulation.contact import (
    ArmContact,
    Felt,
    UnknownActionError,
    UnreachableError,
)
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.closed_loop.trial import AttemptVerdict

from .bench import KNOB_AXIS, NAMES, bench_world, contact
from .world_arm import PERIOD, WorldArm, find_trial, right_contact, skills_of

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


@pytest.fixture(params=[True, False], ids=['effort', 'no effort'])
def robot(world: ArmWorld, request: pytest.FixtureRequest) -> Iterator[WorldArm]:
    """A robot at rest; whatever a test lets it do, it does within the limits of its joints."""
    world.reset()
    made = WorldArm(world, measured=request.param)
    yield made
    positions, speeds = np.array(made.positions), np.abs(made.velocities)
    # Commands keep 1.2 rad/s; a joint that was pushed back may spring for an instant.
    assert speeds.max() < 1.45
    assert np.abs(np.diff(positions, axis=0)).max() < 1.45 * PERIOD
    assert (positions > LIMITS[0] - 0.01).all()
    assert (positions < LIMITS[1] + 0.01).all()
    assert world.arm_contacts == set()


def act(robot: WorldArm, at: ArmContact, name: str) -> tuple[Felt, NDArray[np.float64]]:
    """Act; return the values of one part at all times, of which the others have moved nothing."""
    felt = skills_of(robot).act(at)
    values = np.array(robot.values)
    others = np.delete(values, NAMES.index(name), axis=1)
    assert np.abs(others).max() < 0.001
    return felt, values[:, NAMES.index(name)]


def seconds(held: NDArray[np.bool_]) -> float:
    return float(held.sum() * PERIOD)


def test_a_hold_keeps_the_switch_pressed_longer_than_a_touch(robot: WorldArm) -> None:
    _, switch = act(robot, contact('switch'), 'switch')
    held = seconds(switch < -0.005)
    robot.reset()
    shorter = replace(contact('switch'), action='touch')
    pressed = seconds(act(robot, shorter, 'switch')[1] < -0.005)
    assert held - pressed == pytest.approx(0.7, abs=0.1)
    assert switch[-1] == pytest.approx(0.0, abs=0.001)


@pytest.mark.parametrize(
    ('axis', 'wrist', 'sense'), [(KNOB_AXIS, -2.8, 1.0), (-KNOB_AXIS, 2.8, -1.0)]
)
def test_a_turn_has_the_known_axis_and_sense_and_room_for_it_in_the_wrist(
    robot: WorldArm, axis: NDArray[np.float64], wrist: float, sense: float
) -> None:
    # With the last joint near a stop, the roll that is nearest has no room to turn.
    start = robot.world.posture('observe')
    start[6] = wrist
    skills_of(robot).park(start)
    _, knob = act(robot, contact('knob', axis), 'knob')
    # 1.2 rad but for how the knob tilts and slips in the gripper.
    assert 0.4 < sense * knob[-1] < 1.4
    assert (sense * knob).min() > -0.15
    assert np.abs(np.array(robot.positions)[:, 6]).max() < 2.88
    assert robot.world.held is None


def test_a_drawer_is_pulled_and_let_go(robot: WorldArm) -> None:
    felt, drawer = act(robot, contact('drawer'), 'drawer')
    assert (str(felt), felt.done, felt.held) == ('held, pulled 12 cm', True, True)
    assert drawer[-1] == pytest.approx(0.118, abs=0.006)
    assert robot.world.held is None


def test_a_door_is_pushed_by_the_closed_gripper(robot: WorldArm) -> None:
    _, door = act(robot, contact('door'), 'door')
    assert door[-1] == pytest.approx(-0.12, abs=0.01)


def test_what_is_put_down_was_lifted_and_is_let_go(robot: WorldArm) -> None:
    felt, pan = act(robot, contact('pan'), 'pan')
    assert felt.held
    assert pan.max() == pytest.approx(0.099, abs=0.006)
    assert pan[-1] == pytest.approx(0.0, abs=0.002)
    assert robot.world.held is None


def test_fingers_that_close_across_the_wrong_side_hold_nothing(robot: WorldArm) -> None:
    # It is 80 mm high, as wide as the gripper opens.
    wrong = replace(contact('pan'), closing=np.array([0.0, 0.0, 1.0]))
    felt, pan = act(robot, wrong, 'pan')
    assert (felt.held, felt.done) == (False, False)
    assert np.abs(pan).max() < 0.003


@pytest.mark.parametrize('stiffness', [1.0, 10.0])
def test_the_tip_never_pushes_harder_than_it_may(stiffness: float) -> None:
    robot = WorldArm(bench_world(stiffness))
    skills = skills_of(robot, contact_speed=0.01, contact_force=8.0, maximum_force=25.0)
    felt = skills.act(contact('switch'))
    assert felt.done
    assert max(robot.pushes) < 25.0
    assert max(robot.pushes) > 5.0


def test_what_is_picked_up_stays_in_the_gripper(robot: WorldArm) -> None:
    felt, mug = act(robot, contact('mug'), 'mug')
    assert (str(felt), felt.held) == ('held, lifted 10 cm', True)
    assert mug[-1] == pytest.approx(0.099, abs=0.006)
    assert robot.world.held == NAMES.index('mug')
    robot.world.reset()


def test_the_arm_leaves_a_part_as_far_as_it_came_from(robot: WorldArm) -> None:
    act(robot, contact('button'), 'button')
    tip = robot.world.tip_pose().position
    way, normal = tip - contact('button').point, contact('button').normal
    assert way @ normal == pytest.approx(0.093, abs=0.009)
    assert np.linalg.norm(np.cross(way, normal)) < 0.012


@pytest.mark.parametrize(
    ('family', 'action', 'felt'),
    [
        ('keypad', 'touch', 'touched'),
        ('drawers', 'pull', 'held, pulled 12 cm'),
        ('control_panel', 'rotate', 'held, turned'),
    ],
)
def test_a_skill_does_what_was_shown(family: str, action: str, felt: str) -> None:
    world = ArmWorld(find_trial(family, action))
    right = replace(right_contact(world), width=0.04)
    assert felt in str(skills_of(WorldArm(world)).act(right))
    assert world.outcome().verdict is AttemptVerdict.DONE


def test_beside_the_button_nothing_is_done() -> None:
    world = ArmWorld(find_trial('keypad', 'touch'))
    right = right_contact(world)
    beside = replace(right, point=right.point + [0.0, 0.0, 0.25])
    felt = skills_of(WorldArm(world)).act(beside)
    assert (str(felt), felt.done) == ('nothing stopped the tip', False)
    assert world.outcome().verdict is AttemptVerdict.NOTHING


def test_a_point_out_of_reach_moves_nothing(robot: WorldArm) -> None:
    far = ArmContact('touch', np.array([2.0, 0.0, 0.4]), np.array([-1.0, 0.0, 0.0]))
    with pytest.raises(UnreachableError, match=r'does not reach \[2\.0'):
        skills_of(robot).act(far)
    robot.wait(0.3)
    assert np.abs(np.array(robot.velocities)).max() < 0.01


def test_an_action_without_a_skill_is_refused() -> None:
    with pytest.raises(UnknownActionError, match="the action is 'press'; expected one of hold"):
        ArmContact('press', np.zeros(3), np.array([-1.0, 0.0, 0.0]))
