# SPDX-License-Identifier: Apache-2.0
"""Grasps, misses and slips of two fingers at a bar before the arm."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_sim.arm.joint_trajectory import TrajectoryError
from afformer_sim.bodies.element import Joint

from .arm_trials import BAR_FRONT, bar_path, bar_world, move, move_gripper, straddle


@pytest.mark.parametrize(('width', 'later'), [(0.024, 0.0), (0.007, 0.0), (0.001, 2.5)])
def test_fingers_across_a_bar_hold_it_and_show_its_width(width: float, later: float) -> None:
    world = bar_world(width)

    way = straddle(world)
    move_gripper(world, 0.0, later=later)
    before = world.held
    world.advance(later)
    grasped, fingers = world.held, world.joint_positions()[7:]
    move(world, *reversed(way), seconds=2.0)

    assert before == (None if later else 0)
    assert grasped == world.held == 0
    assert fingers == pytest.approx([width / 2] * 2, abs=1e-4)
    # from 15 mm beyond the bar's front to 10 cm before where it was
    assert world.values()[0] == pytest.approx(0.115, abs=0.002)
    assert world.arm_contacts == set()


@pytest.mark.parametrize(('aside', 'roll'), [(0.06, 0.0), (0.0, np.pi / 2)])
def test_fingers_beside_or_along_a_bar_close_on_nothing(aside: float, roll: float) -> None:
    world = bar_world(0.012)

    way = straddle(world, aside, roll)
    move_gripper(world, 0.0)
    move(world, *reversed(way), seconds=2.0)

    assert world.held is None
    assert world.joint_positions()[7:] == pytest.approx([0.0, 0.0], abs=1e-4)
    assert world.values()[0] <= 0.0


@pytest.mark.parametrize(('roll', 'held'), [(0.55, 0), (0.8, None)])
def test_faces_beyond_the_cone_of_friction_are_not_held(roll: float, held: int | None) -> None:
    world = bar_world(0.024, stiffness_scale=30.0)

    straddle(world, roll=roll)
    move_gripper(world, 0.0)

    assert world.held == held
    assert world.joint_positions()[7] > 0.012


def test_a_fixed_bar_stops_the_fingers_and_is_not_held() -> None:
    world = bar_world(0.024, joint=None)

    straddle(world)
    move_gripper(world, 0.0)

    assert world.held is None
    assert world.joint_positions()[7:] == pytest.approx([0.012, 0.012], abs=1e-4)
    assert world.joint_efforts()[7:] == pytest.approx([-70.0, -70.0])


def test_fingers_beside_the_middle_of_a_bar_come_to_it() -> None:
    world = bar_world(0.012)

    straddle(world, 0.015)
    move_gripper(world, 0.0)

    assert world.held == 0
    assert world.tip_pose().position[1] == pytest.approx(0.03, abs=0.002)


@pytest.mark.parametrize(('effort', 'held'), [(None, 0), (8.0, None)])
def test_a_bar_that_resists_slips_out_of_fingers_that_press_little(
    effort: float | None, held: int | None
) -> None:
    world = bar_world(0.024, friction=20.0)

    way = straddle(world)
    move_gripper(world, 0.0, effort)
    grasped, pressing = world.held, world.joint_efforts()[7:]
    world.advance(1.0)
    move(world, way[-2], seconds=2.0)
    sliding, width = world.held, 2 * world.joint_positions()[7]
    move(world, *reversed(way[:-2]), seconds=3.0)

    assert grasped == 0
    assert pressing == pytest.approx([-(effort or 70.0)] * 2, rel=1e-3)
    # it has not slipped out yet
    assert width == pytest.approx(0.024, abs=1e-4)
    assert sliding == world.held == held
    # friction of 0.8 transmits 12.8 N of two times 8 N
    assert (world.values()[0] > 0.05) == (held == 0)


@pytest.mark.parametrize(('friction', 'turned'), [(15.0, 0.4), (40.0, 0.0)])
def test_a_held_bar_turns_with_the_tip_up_to_a_torque(friction: float, turned: float) -> None:
    # at 0.061 m from the axis, the friction resists with 0.9 or 2.4 N m
    world = bar_world(0.024, Joint((0.0, 0.0, 1.0), hinge=True), 1.0, friction=friction)

    way = straddle(world)
    move_gripper(world, 0.0)
    move(world, way[-1] - [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4], seconds=1.0)

    assert world.held == 0
    assert world.values()[0] == pytest.approx(turned, abs=0.04)


def test_a_held_bar_tilts_about_the_motion_of_the_fingers() -> None:
    world = bar_world(0.024, Joint((-1.0, 0.0, 0.0), True, (0.0, 0.0, -0.115)), 1.0)

    way = straddle(world)
    move_gripper(world, 0.0)
    # the middle of the grasp is 0.1075 m from the hinge
    angle = np.linspace(0.0, 0.41, 9)
    along = 0.015 + 0.1075 * (1 - np.cos(angle))
    points = BAR_FRONT + np.stack([along, 0 * angle, 0.1075 * np.sin(angle)], axis=1)
    move(world, *bar_path(points, start=way[-1]), seconds=2.0)

    assert world.held == 0
    assert world.values()[0] == pytest.approx(0.41, abs=0.02)
    assert np.abs(world.joint_efforts()[4:7]).max() < 0.4


def test_open_fingers_let_go() -> None:
    world = bar_world(0.024)

    way = straddle(world)
    move_gripper(world, 0.0)
    move_gripper(world, 0.02)
    move(world, *reversed(way), seconds=2.0)

    assert world.held is None
    assert world.values()[0] == pytest.approx(0.0, abs=1e-3)
    assert world.joint_positions()[7:] == pytest.approx([0.02, 0.02], abs=1e-4)


def test_a_reset_gripper_goes_as_a_new_one() -> None:
    world, fingers = bar_world(0.024), []
    for _ in range(2):
        straddle(world, 0.004)
        move_gripper(world, 0.0)
        fingers.append(world.joint_positions())
        assert world.held == 0
        world.reset()
        assert world.held is None

    assert (fingers[0] == fingers[1]).all()


@pytest.mark.parametrize(
    ('opening', 'effort'), [(0.03, 0.0), (0.03, 70.5), (0.03, -3.0), (0.05, 12.0)]
)
def test_fingers_that_refuse_a_motion_press_as_before(opening: float, effort: float) -> None:
    of_effort, of_opening = f'gripper is {effort:g} N; expected', 'is 0.0500 at point 0; expected'
    world = bar_world(0.024, joint=None)

    straddle(world)
    move_gripper(world, 0.0, 33.0)
    with pytest.raises(TrajectoryError, match=of_effort if opening < 0.04 else of_opening):
        move_gripper(world, opening, effort)
    world.advance(0.5)

    assert world.joint_efforts()[7:] == pytest.approx([-33.0, -33.0])


def test_a_stiffer_arm_presses_more_for_the_same_lag() -> None:
    lags, efforts = [], []
    for scale in (0.1, 0.6):
        world = bar_world(0.1, joint=None, stiffness_scale=scale)
        move_gripper(world, 0.0)
        straddle(world)
        world.advance(1.0)
        lags.append(0.535 - world.tip_pose().position[0])
        efforts.append(np.abs(world.joint_efforts()[:7]).max())

    assert lags == pytest.approx([0.015, 0.015], abs=1e-3)
    assert efforts[1] / efforts[0] == pytest.approx(6.0, rel=0.1)
