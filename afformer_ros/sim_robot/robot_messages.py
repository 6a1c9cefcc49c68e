# SPDX-License-Identifier: Apache-2.0
"""Messages of a simulated robot: joint states, poses, trajectories and the verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, TransformStamped
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory as TrajectoryMessage

from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, FINGER_JOINTS
from afformer_sim.arm.joint_trajectory import JointTrajectory, TrajectoryError
from afformer_sim.bodies.solid import Pose as BodyPose


def joint_state_message(world: ArmWorld, header: Header) -> JointState:
    """Report the joints of the arm and the gripper; effort excludes gravity."""
    return JointState(
        header=header,
        name=[*ARM_JOINTS, *FINGER_JOINTS],
        position=world.joint_positions().tolist(),
        velocity=world.joint_velocities().tolist(),
        effort=world.joint_efforts().tolist(),
    )


def element_state_message(world: ArmWorld, header: Header) -> JointState:
    """Report the joint value of each element, and its share of the way to the goal as effort."""
    elements = world.trial.scene.fixture.elements
    return JointState(
        header=header,
        name=[f'element_{index}_{element.kind}' for index, element in enumerate(elements)],
        position=world.values().tolist(),
        effort=world.progress().tolist(),
    )


def pose_message(pose: BodyPose, header: Header) -> PoseStamped:
    """Convert a pose."""
    x, y, z = map(float, pose.position)
    w, i, j, k = map(float, pose.quaternion)
    return PoseStamped(
        header=header,
        pose=Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=i, y=j, z=k, w=w)),
    )


def transform_message(pose: PoseStamped, child: str) -> TransformStamped:
    """Convert the pose of a frame in that of its header."""
    message = TransformStamped(header=pose.header, child_frame_id=child)
    shift, point = message.transform.translation, pose.pose.position
    shift.x, shift.y, shift.z = point.x, point.y, point.z
    message.transform.rotation = pose.pose.orientation
    return message


def read_trajectory(message: TrajectoryMessage) -> JointTrajectory:
    """Read a trajectory.

    Raises:
        TrajectoryError: a point does not have a value for each joint, or the trajectory is
            malformed, see `JointTrajectory`.
    """
    names = tuple(message.joint_names)
    points = message.points
    times = [point.time_from_start.sec + 1e-9 * point.time_from_start.nanosec for point in points]
    positions = _values([point.positions for point in points], 'positions', len(names))
    velocities, efforts = (
        _values(rows, name, len(names)) if any(map(len, rows)) else None
        for name, rows in (
            ('velocities', [point.velocities for point in points]),
            ('efforts', [point.effort for point in points]),
        )
    )
    return JointTrajectory(names, np.array(times, np.float64), positions, velocities, efforts)


def verdict_json(world: ArmWorld) -> str:
    """Describe the outcome of the trial so far as JSON."""
    trial, outcome = world.trial, world.outcome()
    element = trial.scene.fixture.elements[trial.task.element]
    return json.dumps(
        {
            'verdict': outcome.verdict.value,
            'family': trial.scene.family,
            'action': trial.task.action,
            'element': trial.task.element,
            'kind': element.kind,
            'first_contact': outcome.first_contact,
            'disturbed': list(outcome.disturbed),
            'held': world.held,
            'arm_contacts': sorted(world.arm_contacts),
            'progress': [round(share, 4) for share in world.progress().tolist()],
            'seconds': round(world.time, 3),
        }
    )


def _values(rows: Sequence[Sequence[float]], name: str, joints: int) -> NDArray[np.float64]:
    for point, row in enumerate(rows):
        if len(row) != joints:
            raise TrajectoryError(
                f'point {point} has {len(row)} {name}; expected {joints}, one for each of '
                'joint_names'
            )
    return np.array(rows, np.float64).reshape(len(rows), joints)
