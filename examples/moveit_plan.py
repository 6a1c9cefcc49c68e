#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
r"""Plans of MoveIt 2 for the result of grounding: approach, motion of the part and retreat.

The depth image becomes the obstacles, with the part itself cut out by its mask. Run it beside the
node `grounding` and the controllers of the arm::

    sudo apt install ros-$ROS_DISTRO-moveit ros-$ROS_DISTRO-moveit-py
    python examples/moveit_plan.py espresso --action pull --robot fr3 --group fr3_arm --hand hand \
        --tip fr3_hand_tcp --ahead 0 --base fr3_link0 --ros-args -r depth:=/camera/depth

The program prints the steps, and asks before the arm moves.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import rclpy
from afformer_ros.action import GroundDemonstration
from afformer_ros.msg import Affordance, AffordancePoint
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from numpy.typing import NDArray
from rclpy.action import ActionClient
from rclpy.qos import qos_profile_sensor_data
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from std_msgs.msg import Header

from afformer_core.geometry.camera import Calibration
from afformer_core.geometry.transform import quaternion_of_rotation, rotation_of_quaternion
from afformer_core.manipulation.contact import ArmContact, UnknownActionError
from afformer_core.messages.image_decoding import pixel_rows, to_depth
from afformer_core.messages.stamps import stamp_nanoseconds

# Topics between this program and the occupancy map monitor of MoveIt.
OBSTACLES, FILTERED = 'obstacles', 'filtered_obstacles'
# Metres that a part is moved or lifted, and radians that it turns.
TRAVEL, TURN = 0.12, 1.2
# Minimum score of a point.
SCORE = 0.1
UP = np.array([0.0, 0.0, 1.0])
GRIPPED = ('pull', 'rotate', 'pick up', 'put down')


@dataclass(frozen=True)
class Step:
    """One plan: of the tip to a pose, or of the gripper to a named state.

    Attributes:
        name: what it does.
        pose: pose of the tip to reach; None: only the gripper moves.
        straight: whether the tip moves along a straight line.
        gripper: named state of the gripper, 'open' or 'close'; empty: the arm moves.
    """

    name: str
    pose: PoseStamped | None = None
    straight: bool = False
    gripper: str = ''


def steps_of(
    affordance: Affordance, opening: float, ahead: float = 0.0, distance: float = 0.1
) -> list[Step]:
    """List the steps for the best point that fits in the gripper; none if nothing fits.

    The fingertips approach and retreat along the axis of a push or a pull, and otherwise along its
    approach. The arm keeps a part that it picks up. It lifts a part that it puts
    down, and lowers it to where it stood.

    Args:
        affordance: result of grounding, with positions in the frame of the arm's base, z up.
        opening: largest width between the fingers, metres.
        ahead: metres from the planned link to the fingertips, along its z axis.
        distance: metres between the surface and the pose before it.
    """
    if not affordance.found or affordance.age > 0:  # The element is absent or covered.
        return []
    if affordance.unsure:
        return []
    # The comparison is false for a width of NaN, which is unknown.
    fitting = [
        point
        for point in affordance.points  # best first
        if point.position_valid and point.score >= SCORE and not point.grasp_width > opening
    ]
    if not fitting:
        return []
    point, action, header = fitting[0], affordance.action, Header()
    header.frame_id, header.stamp = affordance.position_frame, affordance.position_stamp
    motion = _vector(point.motion) if point.motion_valid else None
    position = _vector(point.position)
    out = ArmContact(action, position, -_vector(point.approach), motion).outwards
    rotation = _facing(point, out)

    def at(position: NDArray[np.float64], rotation: NDArray[np.float64]) -> PoseStamped:
        return PoseStamped(header=header, pose=_pose(position - ahead * rotation[:, 2], rotation))

    steps = [
        Step('open the gripper', gripper='open'),
        Step('move before the part', at(position + distance * out, rotation)),
        Step('approach', at(position, rotation), straight=True),
    ]
    if action in GRIPPED:
        steps.append(Step('grip', gripper='close'))
    if action in ('pick up', 'put down'):
        steps.append(Step('lift', at(position + TRAVEL * UP, rotation), straight=True))
        if action == 'pick up':
            return steps
        steps.append(Step('lower', at(position, rotation), straight=True))
    elif motion is not None and point.motion_type == AffordancePoint.TRANSLATION:
        position = position + TRAVEL * motion
        steps.append(Step(action, at(position, rotation), straight=True))
    elif motion is not None and point.motion_type == AffordancePoint.ROTATION:
        turn, _ = cv2.Rodrigues(TURN * motion)
        out, rotation = turn @ out, turn @ rotation
        steps.append(Step(action, at(position, rotation), straight=True))
    if action in GRIPPED:
        steps.append(Step('release', gripper='open'))
    steps.append(Step('retreat', at(position + distance * out, rotation), straight=True))
    return steps


def obstacle_cloud(
    depth: Image, camera: CameraInfo, mask: Image, clearance: float = 0.05
) -> PointCloud2:
    """Convert depth to the obstacles: every measured point but those of the part and beside it.

    Args:
        depth: depth image that is registered to the image of the mask, without distortion.
        camera: calibration of that image.
        mask: mono8, above 0 on the part.
        clearance: metres around the part in which nothing is an obstacle.
    """
    values = to_depth(depth).values
    height, width = values.shape
    matrix = Calibration.from_message(camera, rectified=True).matrix
    scale = width / mask.width  # Depth may have another resolution than the image.
    focal, (across, down) = matrix[0, 0] * scale, (matrix[:2, 2] + 0.5) * scale - 0.5
    part = cv2.resize(pixel_rows(mask, np.uint8)[..., 0], (width, height), interpolation=0) > 0
    near = part & np.isfinite(values)
    kept = np.isfinite(values)
    if near.any():
        nearest, farthest = values[near].min() - clearance, values[near].max() + clearance
        radius = math.ceil(clearance * focal / float(np.median(values[near])))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        around = cv2.dilate(part.astype(np.uint8), disc) > 0
        kept &= ~(around & (values >= nearest) & (values <= farthest))
    rows, columns = np.nonzero(kept)
    z = values[rows, columns]
    points = np.stack([(columns - across) * z / focal, (rows - down) * z / focal, z], axis=1)
    fields = [
        PointField(name=name, offset=4 * number, datatype=PointField.FLOAT32, count=1)
        for number, name in enumerate('xyz')
    ]
    cloud = PointCloud2(header=depth.header, height=1, width=len(points), fields=fields)
    cloud.point_step, cloud.row_step, cloud.is_dense = 12, 12 * len(points), True
    cloud.data = points.astype('<f4').tobytes()
    return cloud


def moveit_parameters(base: str) -> dict[str, Any]:
    """Give the parameters that MoveIt needs besides those of the robot.

    Args:
        base: frame of the arm's base, in which the obstacles are stored.
    """
    return {
        'planning_scene_monitor_options': {
            'name': 'planning_scene_monitor',
            'robot_description': 'robot_description',
            'joint_state_topic': '/joint_states',
            'wait_for_initial_state_timeout': 10.0,
        },
        'planning_pipelines': {'pipeline_names': ['ompl', 'pilz_industrial_motion_planner']},
        'plan_request_params': {
            'planning_pipeline': 'ompl',
            'planning_attempts': 5,
            'planning_time': 3.0,
            'max_velocity_scaling_factor': 0.2,
            'max_acceleration_scaling_factor': 0.2,
        },
        'octomap_frame': base,
        'octomap_resolution': 0.02,
        'sensors': ['depth_obstacles'],
        'depth_obstacles': {
            'sensor_plugin': 'occupancy_map_monitor/PointCloudOctomapUpdater',
            'point_cloud_topic': OBSTACLES,
            'filtered_cloud_topic': FILTERED,
            'max_range': 3.0,
            'point_subsample': 1,
            'padding_offset': 0.03,
            'padding_scale': 1.0,
            'max_update_rate': 10.0,
        },
    }


class Scene:
    """The last images of depth, the calibration, and the topic of obstacles."""

    def __init__(self) -> None:
        self.node = rclpy.create_node('moveit_plan')
        self.depth: deque[Image] = deque(maxlen=60)
        self.camera: CameraInfo | None = None
        self.mapped = False
        quality = qos_profile_sensor_data
        self.node.create_subscription(Image, 'depth', self.depth.append, quality)
        self.node.create_subscription(CameraInfo, 'camera_info', self._take, quality)
        self.node.create_subscription(PointCloud2, FILTERED, self._count, quality)
        self._publisher = self.node.create_publisher(PointCloud2, OBSTACLES, 1)
        self._client: Any = ActionClient(
            self.node, GroundDemonstration, 'grounding/ground_demonstration'
        )

    def ground(self, goal: GroundDemonstration.Goal) -> GroundDemonstration.Result:
        """Return the result of a goal."""
        self._client.wait_for_server()
        sent = self._client.send_goal_async(goal)
        rclpy.spin_until_future_complete(self.node, sent)
        ended = sent.result().get_result_async()
        rclpy.spin_until_future_complete(self.node, ended)
        result: GroundDemonstration.Result = ended.result().result
        return result

    def map_obstacles(self, mask: Image) -> None:
        """Publish the obstacles until MoveIt has mapped them."""
        while not self.depth or self.camera is None:
            rclpy.spin_once(self.node)
        stamp = stamp_nanoseconds(mask.header.stamp)
        depth = min(
            self.depth, key=lambda image: abs(stamp_nanoseconds(image.header.stamp) - stamp)
        )
        cloud = obstacle_cloud(depth, self.camera, mask)
        while not self.mapped:
            self._publisher.publish(cloud)
            rclpy.spin_once(self.node, timeout_sec=0.2)

    def _take(self, camera: CameraInfo) -> None:
        self.camera = camera

    def _count(self, _: PointCloud2) -> None:
        self.mapped = True


def main() -> None:
    """Ground a demonstration, plan, and act."""
    try:
        from moveit.planning import MoveItPy, PlanRequestParameters
        from moveit_configs_utils import MoveItConfigsBuilder
    except ImportError as error:
        sys.exit(
            f'MoveIt is not installed ({error}). Run: sudo apt install ros-$ROS_DISTRO-moveit '
            'ros-$ROS_DISTRO-moveit-py'
        )
    arguments = _parse_arguments()
    rclpy.init()
    builder = MoveItConfigsBuilder(arguments.robot, package_name=arguments.package)
    config = builder.to_moveit_configs().to_dict() | moveit_parameters(arguments.base)
    robot = MoveItPy(node_name='moveit_py', config_dict=config)
    scene = Scene()
    goal = GroundDemonstration.Goal(
        demonstrations=arguments.demonstrations,
        action=arguments.action,
        target_frame=arguments.base,
        position_required=True,
        minimum_presence=2 / 3,
    )
    goal.timeout.sec = 60
    result = scene.ground(goal)
    found = result.outcome == GroundDemonstration.Result.FOUND
    try:
        steps = steps_of(result.affordance, arguments.opening, arguments.ahead) if found else []
    except UnknownActionError as error:
        sys.exit(str(error))
    if not steps:
        sys.exit(f'there is no point to act at: {result.message}')
    robot.get_planning_scene_monitor().clear_octomap()
    scene.map_obstacles(result.mask)
    print(*(step.name for step in steps), sep='\n')
    if input('Move the arm? [y/N] ') != 'y':
        return
    for step in steps:
        part = robot.get_planning_component(arguments.hand if step.gripper else arguments.group)
        part.set_start_state_to_current_state()
        parameters = PlanRequestParameters(robot, '')
        if step.gripper:
            part.set_goal_state(configuration_name=step.gripper)
        else:
            part.set_goal_state(pose_stamped_msg=step.pose, pose_link=arguments.tip)
        if step.straight:
            parameters.planning_pipeline = 'pilz_industrial_motion_planner'
            parameters.planner_id = 'LIN'
        response = part.plan(single_plan_parameters=parameters)
        if not response or not robot.execute(response.trajectory, controllers=[]):
            sys.exit(f'{step.name}: {"the controller failed" if response else "there is no plan"}')
    robot.shutdown()


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('demonstrations', nargs='*', help='names (default: the selected ones)')
    parser.add_argument('--action', default='', help='such as pull')
    parser.add_argument('--robot', default='panda', help='name of the robot')
    parser.add_argument('--package', default='moveit_resources_panda_moveit_config')
    parser.add_argument('--group', default='panda_arm', help='planning group of the arm')
    parser.add_argument('--hand', default='hand', help='planning group with states open and close')
    parser.add_argument('--tip', default='panda_hand', help='link: z out of the hand, y across it')
    parser.add_argument(
        '--ahead',
        type=float,
        default=0.1034,
        help='metres from it to the fingertips (0 for a tcp)',
    )
    parser.add_argument('--base', default='panda_link0', help="frame of the arm's base")
    parser.add_argument('--opening', type=float, default=0.08, help='metres between the fingers')
    return parser.parse_args(remove_ros_args(sys.argv)[1:])


def _vector(message: Any) -> NDArray[np.float64]:
    return np.array([message.x, message.y, message.z])


def _facing(point: AffordancePoint, out: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn the candidate so that its z axis is against `out`, its x axis as near as it can be.

    Without a candidate, the fingers close horizontally.
    """
    if not point.grasp_candidate_valid:
        y = np.cross(out, UP if abs(out @ UP) < 0.9 else [1.0, 0.0, 0.0])
        y /= np.linalg.norm(y)
        return np.stack([np.cross(y, -out), y, -out], axis=1)
    orientation = point.grasp_candidate.orientation
    quaternion = np.array([orientation.x, orientation.y, orientation.z, orientation.w])
    given = rotation_of_quaternion(quaternion)
    # Without x, which may lie along `out`, y defines the roll.
    y = np.cross(-out, given[:, 0]) if abs(out @ given[:, 0]) < 0.9 else given[:, 1]
    y = y - (y @ out) * out
    y /= np.linalg.norm(y)
    return np.stack([np.cross(y, -out), y, -out], axis=1)


def _pose(position: NDArray[np.float64], rotation: NDArray[np.float64]) -> Pose:
    x, y, z = map(float, position)
    a, b, c, d = map(float, quaternion_of_rotation(rotation))
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=a, y=b, z=c, w=d))


if __name__ == '__main__':
    main()
