# SPDX-License-Identifier: Apache-2.0
"""Messages of the simulated robot, with literal numbers."""

from __future__ import annotations

import json
from importlib.util import find_spec

import cv2
import numpy as np
import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)
pytest.importorskip('rclpy')

from builtin_interfaces.msg import Duration, Time
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from afformer_ros.sim_robot.robot_messages import (
    element_state_message,
    joint_state_message,
    pose_message,
    read_trajectory,
    transform_message,
    verdict_json,
)
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, FINGER_JOINTS
from afformer_sim.arm.joint_trajectory import JointTrajectory as Trajectory
from afformer_sim.arm.joint_trajectory import TrajectoryError
from afformer_sim.bodies.solid import Pose

from ...afformer_core.manipulation.bench import NAMES, bench_world

HEADER = Header(stamp=Time(sec=7, nanosec=250), frame_id='panda_link0')


@pytest.fixture(scope='module')
def shared_world() -> ArmWorld:
    return bench_world()


@pytest.fixture
def world(shared_world: ArmWorld) -> ArmWorld:
    shared_world.reset()
    return shared_world


def follow(world: ArmWorld, seconds: float) -> np.ndarray:
    """Let each joint go its own way for a second; return where they go, radians."""
    goal = world.posture('observe') + [0.3, -0.2, 0.1, 0.25, -0.15, 0.35, -0.4]
    world.follow(Trajectory(ARM_JOINTS, np.array([1.0]), goal[None]))
    world.move_gripper(Trajectory(FINGER_JOINTS[:1], np.array([1.0]), np.array([[0.015]])))
    world.advance(seconds)
    return goal


def test_joint_states_are_positions_velocities_and_efforts_by_name(world: ArmWorld) -> None:
    goal = follow(world, 1.5)
    message = joint_state_message(world, HEADER)
    assert message.header == HEADER
    assert message.name == [*ARM_JOINTS, *FINGER_JOINTS]
    assert message.position == pytest.approx([*goal, 0.015, 0.015], abs=2e-3)
    assert message.velocity == pytest.approx([0.0] * 9, abs=5e-3)
    world.reset()
    follow(world, 0.6)
    moving = joint_state_message(world, HEADER)
    expected = [0.3, -0.2, 0.1, 0.25, -0.15, 0.35, -0.4, -0.025, -0.025]
    assert moving.velocity == pytest.approx(expected, abs=0.02)
    # Gravity is compensated, and the motors work against the damping of the fastest joints.
    assert [moving.effort[joint] > 0 for joint in (0, 1, 5, 6)] == [True, False, True, False]
    assert np.abs(moving.effort[:7]).max() < 1.0


def test_element_states_are_values_and_shares_of_the_way(world: ArmWorld) -> None:
    way = np.zeros(len(NAMES))
    way[NAMES.index('drawer')], way[NAMES.index('knob')] = 0.035, -0.68
    world._data.qpos[world._values] = way
    message = element_state_message(world, HEADER)
    assert message.name[2:5] == ['element_2_door', 'element_3_drawer', 'element_4_knob']
    assert message.position == pytest.approx(way)
    # The drawer's goal is 0.14 m, the knob's 1.7 rad either way.
    shares = {'drawer': 0.25, 'knob': 0.4}
    assert message.effort == pytest.approx([shares.get(name, 0.0) for name in NAMES])


def test_a_pose_keeps_its_position_and_its_quaternion() -> None:
    axis = np.array([2.0, -3.0, 6.0]) / 7
    rotation, _ = cv2.Rodrigues(0.8 * axis)
    message = pose_message(Pose(np.array([0.4, -0.7, 1.1]), rotation), HEADER)
    frame = transform_message(message, 'camera')
    assert message.header == frame.header == HEADER
    assert frame.child_frame_id == 'camera'
    expected = [*np.sin(0.4) * axis, np.cos(0.4)]
    for point, turn in (
        (message.pose.position, message.pose.orientation),
        (frame.transform.translation, frame.transform.rotation),
    ):
        assert (point.x, point.y, point.z) == (0.4, -0.7, 1.1)
        assert [turn.x, turn.y, turn.z, turn.w] == pytest.approx(expected)


def point(seconds: int, nanoseconds: int, positions: list[float], **others: list[float]) -> object:
    due = Duration(sec=seconds, nanosec=nanoseconds)
    return JointTrajectoryPoint(time_from_start=due, positions=positions, **others)


def test_a_trajectory_is_read_with_its_times_velocities_and_efforts() -> None:
    message = JointTrajectory(
        joint_names=['b', 'a'],
        points=[
            point(0, 300_000_000, [0.1, 0.2], velocities=[1.0, -2.0], effort=[3.0, 4.0]),
            point(2, 50_000_000, [0.3, 0.4], velocities=[0.0, 0.5], effort=[5.0, 7.0]),
        ],
    )
    got = read_trajectory(message)
    assert got.names == ('b', 'a')
    assert got.times == pytest.approx([0.3, 2.05])
    assert got.positions.tolist() == [[0.1, 0.2], [0.3, 0.4]]
    np.testing.assert_array_equal(got.velocities, [[1.0, -2.0], [0.0, 0.5]])
    np.testing.assert_array_equal(got.ordered(('a', 'b')).efforts, [[4.0, 3.0], [7.0, 5.0]])
    without = read_trajectory(JointTrajectory(joint_names=['a'], points=[point(1, 0, [0.1])]))
    assert without.velocities is without.efforts is None


@pytest.mark.parametrize(('field', 'count'), [('positions', 1), ('velocities', 0), ('effort', 0)])
def test_a_point_needs_a_value_for_each_joint(field: str, count: int) -> None:
    values = {'positions': [0.1, 0.2], 'velocities': [1.0, -2.0], 'effort': [3.0, 4.0]}
    points = [point(number, 0, **values) for number in (1, 2, 3)]
    setattr(points[1], field, [0.5] * count)
    with pytest.raises(TrajectoryError, match=rf'point 1 has {count} {field}s?; expected 2'):
        read_trajectory(JointTrajectory(joint_names=['a', 'b'], points=points))


def test_the_verdict_tells_what_was_to_be_done_and_what_has_happened(world: ArmWorld) -> None:
    world.advance(0.25)
    got = json.loads(verdict_json(world))
    assert got.pop('progress')[:3] == [0.0, 0.0, 0.0]
    assert got == {
        'verdict': 'nothing touched',
        'family': 'bench',
        'action': 'touch',
        'element': 0,
        'kind': 'button',
        'first_contact': None,
        'disturbed': [],
        'held': None,
        'arm_contacts': [],
        'seconds': 0.25,
    }
