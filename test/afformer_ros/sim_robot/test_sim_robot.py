# SPDX-License-Identifier: Apache-2.0
"""The simulated robot as a process of its own, as a planner sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Transform
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, JointState

pytest.importorskip('mink', reason='the extra robot is not installed')

from afformer_core.geometry import Calibration, RigidTransform
from afformer_core.messages.image_decoding import to_rgb
from afformer_ros.driver.grounding_driver import NodeError, NodeProcesses
from afformer_ros.sim_robot.parameters import SimRobotParameters
from afformer_sim.arm.arm_cameras import ArmCameras
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.trial import PlannedTrial
from afformer_sim.scene.view import front_centre
from test.waiting import wait_until

from ...afformer_sim.arm.arm_trials import approach
from .robot_client import ARM, RobotClient

MODULE = 'afformer_ros.executables.sim_robot'
PARAMETERS = {
    'families': "['keypad']",
    'demonstration': 1,
    'image_width': 160,
    'image_height': 120,
    'image_rate': 12.5,
    'joint_rate': 50.0,
    'depth_encoding': '32FC1',
    'depth_noise': 0.0,
}


@pytest.fixture(scope='module')
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcesses]:
    with NodeProcesses(tmp_path_factory.mktemp('logs')) as started:
        yield started


@pytest.fixture(scope='module')
def robot(processes: NodeProcesses) -> Iterator[RobotClient]:
    slow = {**PARAMETERS, 'real_time_factor': 0.01}
    made = RobotClient(processes.start('robot', MODULE, {}, slow))
    # At the speed of before the reset, the tests would time out.
    made.set(real_time_factor=0.0)
    made.call('reset')
    yield made
    made.close()


def keypad_trial() -> PlannedTrial:
    """The trial of `PARAMETERS`."""
    named = {**PARAMETERS, 'families': ('keypad',)}
    return SimRobotParameters(**named).trial()


def nanoseconds(stamp: Any) -> int:
    return int(stamp.sec * 10**9 + stamp.nanosec)


def test_the_topics_are_those_of_drivers(robot: RobotClient) -> None:
    cameras = {'image': Image, 'depth': Image, 'camera_info': CameraInfo, 'spectator': Image}
    kinds = {**cameras, 'sim_robot/element_states': JointState}
    listening = [robot.listen(name, kind, qos_profile_sensor_data) for name, kind in kinds.items()]
    robot.wait(lambda: min(len(robot.messages[name]) for name in kinds) > 2, 'three of each')
    for one in listening:
        # without a subscriber nothing is rendered, so that the other tests are faster
        robot.node.destroy_subscription(one)

    got = robot.messages
    image, depth, info = (got[name][0] for name in ('image', 'depth', 'camera_info'))
    assert to_rgb(image).shape == (120, 160, 3)
    assert (depth.encoding, depth.width, depth.height) == ('32FC1', 160, 120)
    assert {image.header.frame_id, depth.header.frame_id, info.header.frame_id} == {
        'camera_color_optical_frame'
    }
    stamps = [nanoseconds(message.header.stamp) for message in got['image']]
    assert np.diff(stamps).tolist() == [80_000_000] * (len(stamps) - 1)
    assert {nanoseconds(message.header.stamp) for message in got['depth']} <= set(stamps)
    states = [nanoseconds(message.header.stamp) for message in got['joint_states']]
    assert np.diff(states).min() == 20_000_000
    assert got['joint_states'][0].name[:8] == [*ARM, 'panda_finger_joint1']
    assert (got['spectator'][0].width, got['spectator'][0].height) == (640, 480)
    assert got['sim_robot/element_states'][0].name[0] == 'element_0_button'
    assert got['robot_description'][0].data.startswith('<robot name="panda">')
    assert got['camera_pose'][0].header.frame_id == 'panda_link0'
    assert Calibration.from_message(info, rectified=True).width == 160
    # a panel is in the middle of the image, within an arm's reach
    middle = np.frombuffer(depth.data, np.float32).reshape(120, 160)[60, 80]
    assert 0.4 < middle < 1.1


def test_a_button_is_pressed_by_trajectories_alone(robot: RobotClient) -> None:
    robot.call('reset')
    trial = keypad_trial()
    element = trial.scene.fixture.elements[trial.task.element]
    robot.wait(lambda: robot.messages['camera_pose'], 'the pose of the camera')
    pose = robot.messages['camera_pose'][0].pose
    # the element in the camera's frame, as a grounding node would publish it
    camera = trial.view.camera
    seen = (front_centre(element) - camera.position) @ camera.rotation * [1, -1, -1]
    ahead = -element.pose.rotation[:, 2] @ camera.rotation * [1, -1, -1]
    rotation = rotation_of(pose.orientation)
    position = np.array([pose.position.x, pose.position.y, pose.position.z])
    ahead = rotation @ ahead
    way = approach(rotation @ seen + position + 0.008 * ahead, ahead, 0.058)

    before = json.loads(robot.call('verdict').message)
    robot.close_gripper()
    robot.go(way[0], seconds=2.0)
    robot.go(*way, seconds=1.0)
    robot.go(*reversed(way), seconds=0.5)
    answer = robot.call('verdict')

    assert before['verdict'] == 'nothing touched'
    assert answer.success
    assert json.loads(answer.message)['verdict'] == 'done'


def stamp_of_joints(robot: RobotClient) -> int:
    return nanoseconds(robot.messages['joint_states'][-1].header.stamp)


def test_what_is_refused_is_told_and_a_reset_parks_the_arm(robot: RobotClient) -> None:
    robot.call('reset')
    # Messages of before the reset may still be on their way.
    robot.joints()
    begin = stamp_of_joints(robot)
    robot.wait(lambda: stamp_of_joints(robot) > begin + 10**8, 'the parked arm')
    parked = robot.joints()

    robot.send(parked[:6], seconds=1.0, names=ARM[:6])
    robot.wait(lambda: 'arm_controller rejects' in robot.process.output, 'the refusal')
    robot.go(parked + 0.2, seconds=1.0)
    robot.set(demonstration=2)
    refusal = robot.call('reset')
    robot.set(demonstration=1)
    kept = robot.joints()
    clock = nanoseconds(robot.messages['/clock'][-1].clock)
    answer = robot.call('reset')

    assert 'expected panda_joint1, panda_joint2' in robot.process.output
    assert not refusal.success
    assert 'demonstration is 2 and view 0; expected values below' in refusal.message
    assert kept == pytest.approx(parked + 0.2, abs=0.01)
    assert answer.success
    assert answer.message.startswith('keypad (scene 0)')
    robot.wait(lambda: np.allclose(robot.joints(), parked, atol=1e-4), 'the parked arm')
    robot.messages['/clock'].clear()
    robot.wait(lambda: robot.messages['/clock'], 'the clock')
    assert nanoseconds(robot.messages['/clock'][0].clock) > clock


def test_a_reset_to_another_scene_leaves_nothing_of_the_first(robot: RobotClient) -> None:
    robot.call('reset')
    got = robot.messages
    parked = robot.joints()
    robot.go(parked + [0.3, 0.2, -0.1, 0.2, 0.1, -0.2, 0.4], seconds=1.0)
    for name in ('image', 'camera_info', 'camera_pose', 'joint_states', '/clock'):
        got[name].clear()
    kinds = {'image': Image, 'camera_info': CameraInfo}
    listening = [robot.listen(name, one, qos_profile_sensor_data) for name, one in kinds.items()]
    robot.wait(lambda: len(got['image']) > 1, 'images of the keypad')
    robot.set(families=['drawers'], demonstration=0, view=1, image_width=192, image_height=96)

    answer = robot.call('reset')
    robot.wait(lambda: sum(one.width == 192 for one in got['image']) > 2, 'images of the drawers')
    robot.wait(lambda: len(got['camera_pose']) > 0, 'the pose of the camera')
    for one in listening:
        robot.node.destroy_subscription(one)
    robot.set(families=['keypad'], demonstration=1, view=0, image_width=160, image_height=120)
    robot.call('reset')

    assert answer.message.startswith('drawers (scene 0)')
    parameters = SimRobotParameters(
        families=('drawers',), view=1, image_width=192, image_height=96, depth_noise=0.0
    )
    world = ArmWorld(parameters.trial())
    pose = got['camera_pose'][0]
    at, turn = pose.pose.position, rotation_of(pose.pose.orientation)
    assert [at.x, at.y, at.z] == pytest.approx(world.camera_pose().position)
    assert turn == pytest.approx(world.camera_pose().rotation)
    begin = nanoseconds(pose.header.stamp)
    sizes = [(one.width, one.height) for one in got['image']]
    assert sizes == sorted(sizes)
    assert set(sizes) == {(160, 120), (192, 96)}
    # An image of the first scene may still have been on its way.
    late = [one for one in got['image'] if nanoseconds(one.header.stamp) > begin]
    assert {one.width for one in late} == {192}
    assert {one.width for one in got['camera_info'] if nanoseconds(one.header.stamp) > begin} == {
        192
    }
    with ArmCameras(world, DepthCamera(0.0, 0.0)) as cameras:
        expected = cameras.capture(world.snapshot()).image.astype(int)
    assert np.abs(to_rgb(late[0]).astype(int) - expected).mean() < 2
    for name, period in (('image', 80_000_000), ('joint_states', 20_000_000)):
        steps = np.diff([nanoseconds(one.header.stamp) for one in got[name]])
        # A message may be lost on the way, but none is between two others.
        assert steps.min() >= period
        assert (steps % period == 0).all()
    assert np.diff([nanoseconds(one.clock) for one in got['/clock']]).min() > 0
    first = next(one for one in got['joint_states'] if nanoseconds(one.header.stamp) > begin)
    assert first.position[:7] == pytest.approx(world.posture('observe'), abs=1e-3)


def test_a_calibration_is_off_by_its_parameters(robot: RobotClient) -> None:
    got = robot.messages
    got['camera_pose'].clear()
    robot.set(camera_shift=0.023, camera_turn=1.7, depth_shift=7.0)
    robot.call('reset')
    robot.wait(lambda: got['camera_pose'], 'the pose of the camera')
    pose = got['camera_pose'][-1]
    got['depth'].clear()
    listening = robot.listen('depth', Image, qos_profile_sensor_data)
    begin = nanoseconds(pose.header.stamp)
    robot.wait(
        lambda: got['depth'] and nanoseconds(got['depth'][-1].header.stamp) > begin, 'depth'
    )
    robot.node.destroy_subscription(listening)
    robot.set(camera_shift=0.0, camera_turn=0.0, depth_shift=0.0)
    robot.call('reset')

    world = ArmWorld(keypad_trial())
    at, exact = pose.pose.position, world.camera_pose()
    assert np.linalg.norm([at.x, at.y, at.z] - exact.position) == pytest.approx(0.023)
    cosine = (np.trace(rotation_of(pose.pose.orientation) @ exact.rotation.T) - 1) / 2
    assert np.degrees(np.arccos(cosine)) == pytest.approx(1.7, abs=1e-3)
    with ArmCameras(world, DepthCamera(0.0, 0.0)) as cameras:
        expected = cameras.capture(world.snapshot()).depth
    depth = np.frombuffer(got['depth'][-1].data, np.float32).reshape(120, 160)
    apart = {
        (rows, columns): np.abs(
            np.roll(expected, (rows, columns), (0, 1))[9:-9, 9:-9] - depth[9:-9, 9:-9]
        ).mean()
        for rows in range(-8, 9)
        for columns in range(-8, 9)
    }
    assert np.hypot(*min(apart, key=lambda shift: apart[shift])) == pytest.approx(7.0, abs=0.6)


def test_a_stamped_trajectory_counts_from_its_stamp_after_a_reset(robot: RobotClient) -> None:
    for factor in (10.0, 4.0, 1.5):
        begin, moved = follow_from_a_stamp(robot, factor)
        # On a busy computer it may arrive when it has ended, and is refused.
        if moved[max(moved)] > 0.1:
            break
    robot.set(real_time_factor=0.0)
    robot.call('reset')

    assert begin > 10**9
    assert max(way for after, way in moved.items() if after < 17.0) < 0.88
    assert min(way for after, way in moved.items() if after > 18.3) > 0.895


def follow_from_a_stamp(robot: RobotClient, factor: float) -> tuple[int, dict[float, float]]:
    """Send a trajectory that ends 18 s after a reset, whenever it arrives.

    Returns:
        time of the reset in nanoseconds; radians that the first joint has moved, by the seconds
        since then.
    """
    robot.set(real_time_factor=factor)
    robot.messages['camera_pose'].clear()
    robot.call('reset')
    robot.wait(lambda: robot.messages['camera_pose'], 'the pose of the camera')
    begin = nanoseconds(robot.messages['camera_pose'][-1].header.stamp)
    parked = robot.joints()
    goal = parked + [0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    robot.send(goal, seconds=15.0, stamp=begin + 3 * 10**9)
    states = robot.messages['joint_states']
    states.clear()
    robot.wait(
        lambda: states and nanoseconds(states[-1].header.stamp) > begin + 19 * 10**9, 'the end'
    )
    moved = {
        (nanoseconds(one.header.stamp) - begin) * 1e-9: one.position[0] - parked[0]
        for one in states
    }
    return begin, moved


def test_a_trial_that_does_not_exist_ends_the_process(processes: NodeProcesses) -> None:
    process = processes.start('wrong', MODULE, {}, {'demonstration': 5})
    wait_until(lambda: not process.running)

    with pytest.raises(NodeError, match='demonstration is 5 and view 0; expected values below'):
        process.check()


def rotation_of(quaternion: Any) -> np.ndarray:
    return RigidTransform.from_message(Transform(rotation=quaternion)).rotation
