# SPDX-License-Identifier: Apache-2.0
"""The node `sim_robot`: a simulated arm and camera behind the topics of their drivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSProfile,
    QoSReliabilityPolicy,
    qos_profile_sensor_data,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Header, String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory as TrajectoryMessage

from afformer_core.messages.image_encoding import image_message
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.parameter_fields import (
    constraints_of,
    declare_parameters,
    read_parameters,
    validate_change,
)
from afformer_ros.process import Finished
from afformer_ros.rclpy_messages import RclpyMessages
from afformer_ros.sim_robot.acknowledgement import Acknowledgement
from afformer_ros.sim_robot.parameters import SimRobotParameters
from afformer_ros.sim_robot.robot_messages import (
    element_state_message,
    joint_state_message,
    pose_message,
    read_trajectory,
    transform_message,
    verdict_json,
)
from afformer_ros.sim_robot.simulation_thread import CameraThread, Exposure, SimulationThread
from afformer_sim.arm.arm_cameras import ArmCameras
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import BASE_FRAME
from afformer_sim.arm.joint_trajectory import JointTrajectory, TrajectoryError
from afformer_sim.arm.robot_description import robot_description
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.datasets.rgbd_messages import camera_info_message, depth_message, header_message

CAMERA_FRAME = 'camera_color_optical_frame'
_FACTORY = RclpyMessages()
_LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
_CLOCK = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
_PATIENCE = 5.0
# Keys of the scene's random stream for RGB-D; other errors of its images use the smaller keys.
_POSE, _REGISTRATION = 30, 31


class SimRobotNode(Node):
    """A node that simulates one trial of the closed loop, and publishes its clock.

    Args:
        finished: event that ends the process if the simulation fails, with the reason.
        options: options of `rclpy.node.Node`.

    Raises:
        ValueError: there is no such trial.
        DatasetError: the package with the arm's meshes is not installed.
        rclpy.exceptions.InvalidParameterValueException: a parameter is out of range.
    """

    def __init__(self, finished: Finished, **options: Any) -> None:
        super().__init__('sim_robot', **options)
        self._finished = finished
        declare_parameters(self, SimRobotParameters)
        self._settings = read_parameters(self, SimRobotParameters)
        self.add_on_set_parameters_callback(self._validate)
        self._create_publishers()
        world = self._settings.world()
        self._acknowledgement = Acknowledgement(self, round(1e9 / self._settings.joint_rate))
        self._broadcaster = _static_broadcaster(self)
        self._cameras = CameraThread(self._show, self._fail)
        self._next_image = 0
        self._simulation = SimulationThread(
            world,
            1 / self._settings.joint_rate,
            self._settings.real_time_factor,
            self._report,
            self._cameras,
            self._fail,
            self._may_advance,
        )
        self._create_inputs()
        self._description.publish(String(data=robot_description()))
        self._announce(world)
        self._simulation.start()

    def close(self) -> bool:
        """Stop simulating; return whether all threads ended."""
        # The simulation may wait for the cameras.
        cameras = self._cameras.close(_PATIENCE)
        return self._simulation.close(_PATIENCE) and cameras

    def _create_publishers(self) -> None:
        self._clock_topic = self.create_publisher(Clock, '/clock', _CLOCK)
        self._image = self.create_publisher(Image, 'image', qos_profile_sensor_data)
        self._depth = self.create_publisher(Image, 'depth', qos_profile_sensor_data)
        self._info = self.create_publisher(CameraInfo, 'camera_info', qos_profile_sensor_data)
        self._spectator = self.create_publisher(Image, 'spectator', qos_profile_sensor_data)
        self._joints = self.create_publisher(JointState, 'joint_states', 10)
        self._camera_pose = self.create_publisher(PoseStamped, 'camera_pose', _LATCHED)
        self._description = self.create_publisher(String, 'robot_description', _LATCHED)
        self._elements = self.create_publisher(JointState, '~/element_states', 10)

    def _create_inputs(self) -> None:
        for topic, follow in (
            ('arm_controller', ArmWorld.follow),
            ('gripper_controller', ArmWorld.move_gripper),
        ):
            self.create_subscription(
                TrajectoryMessage, f'{topic}/joint_trajectory', self._follower(topic, follow), 1
            )
        self.create_service(Trigger, '~/reset', self._reset)
        self.create_service(Trigger, '~/verdict', self._judge)

    def _follower(
        self, name: str, follow: Callable[[ArmWorld, JointTrajectory, float | None], None]
    ) -> Callable[[TrajectoryMessage], None]:
        def take(message: TrajectoryMessage) -> None:
            stamp = stamp_nanoseconds(message.header.stamp)
            simulation = self._simulation
            try:
                trajectory = read_trajectory(message)
                with simulation.lock:
                    # Without a stamp, it begins on arrival.
                    begin = simulation.since_start(stamp) if stamp else None
                    follow(simulation.world, trajectory, begin)
            except TrajectoryError as error:
                self.get_logger().error(f'{name} rejects a trajectory: {error}')

        return take

    def _reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            parameters = read_parameters(self, SimRobotParameters)
            same = parameters == self._settings
            world = parameters.world(self._simulation.world if same else None)
        except ValueError as error:
            response.message = str(error)
            return response
        with self._simulation.lock:
            self._settings = parameters
            self._simulation.factor = parameters.real_time_factor
            self._simulation.replace(world)
            self._announce(world)
        response.success = True
        response.message = _description(world)
        return response

    def _judge(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        with self._simulation.lock:
            world = self._simulation.world
            response.success = world.outcome().done
            response.message = verdict_json(world)
        return response

    def _validate(self, changed: list[Parameter[Any]]) -> SetParametersResult:
        return validate_change(constraints_of(SimRobotParameters), changed, configured=False)

    def _announce(self, world: ArmWorld) -> None:
        """Publish the messages that are constant for a world."""
        known = self._settings.errors.pose(world.camera_pose(), _errors_rng(world, _POSE))
        pose = pose_message(known, self._header(self._simulation.now, BASE_FRAME))
        self._camera_pose.publish(pose)
        if self._broadcaster is not None:
            self._broadcaster.sendTransform(transform_message(pose, CAMERA_FRAME))
        self.get_logger().info(_description(world))

    def _report(self, world: ArmWorld, now: int) -> Exposure | None:
        header = self._header(now, BASE_FRAME)
        self._clock_topic.publish(Clock(clock=header.stamp))
        self._joints.publish(joint_state_message(world, header))
        if self._elements.get_subscription_count():
            self._elements.publish(element_state_message(world, header))
        if now < self._next_image:
            return None
        self._next_image = now + round(1e9 / self._settings.image_rate)
        depth_camera = self._settings.settings.depth_camera(self._settings.depth_noise)
        return Exposure(world, world.snapshot(), depth_camera, now)

    def _show(self, cameras: ArmCameras, exposure: Exposure) -> None:
        header = self._header(exposure.stamp, CAMERA_FRAME)
        self._info.publish(camera_info_message(_FACTORY, exposure.world.trial.view, header))
        # images without a subscriber are not rendered
        if self._image.get_subscription_count() or self._depth.get_subscription_count():
            images = cameras.capture(exposure.snapshot)
            encoding = self._settings.depth_encoding
            rng = _errors_rng(exposure.world, _REGISTRATION)
            depth = self._settings.errors.registered(images.depth, rng)
            self._image.publish(image_message(_FACTORY, images.image, 'rgb8', header))
            self._depth.publish(depth_message(_FACTORY, depth, encoding, header))
        if self._spectator.get_subscription_count():
            image = cameras.spectate(exposure.snapshot)
            self._spectator.publish(image_message(_FACTORY, image, 'rgb8', header))

    def _may_advance(self) -> bool:
        now = self._simulation.now
        return not self._settings.lock_step or self._acknowledgement.covers(now)

    def _fail(self, error: Exception) -> None:
        self._finished.fail(1, f'{type(error).__name__}: {error}')

    def _header(self, stamp: int, frame: str) -> Header:
        return header_message(_FACTORY, stamp, frame)


def _static_broadcaster(node: Node) -> Any:
    """Return a broadcaster on `/tf_static`; None without tf2."""
    try:
        from tf2_ros import StaticTransformBroadcaster
    except ImportError:
        node.get_logger().info('tf2_ros is not installed; only camera_pose publishes the frames')
        return None
    return StaticTransformBroadcaster(node)


def _errors_rng(world: ArmWorld, purpose: int) -> np.random.Generator:
    """Return a generator that is the same for every image of a trial."""
    trial = world.trial
    return make_rng(trial.scene.seed, Stream.RGBD, purpose, trial.number)


def _description(world: ArmWorld) -> str:
    scene, view = world.trial.scene, world.trial.view
    elements = len(scene.fixture.elements)
    return (
        f'{scene.family} (scene {world.trial.index}) with {elements} elements, seen by a camera '
        f'of {view.size[0]} x {view.size[1]} pixels'
    )
