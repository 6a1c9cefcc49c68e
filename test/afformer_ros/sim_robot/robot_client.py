# SPDX-License-Identifier: Apache-2.0
"""A planner's side of the topics and services of a simulated robot."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from afformer_ros.driver.grounding_driver import NodeProcess

LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
ARM = [f'panda_joint{number}' for number in range(1, 8)]


class RobotClient:
    """A planner's side of the topics; `messages` fills with all that arrives."""

    def __init__(self, process: NodeProcess) -> None:
        self.process = process
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('planner', context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self.messages: dict[str, list[Any]] = defaultdict(list)
        self.listen('/clock', Clock, qos_profile_sensor_data)
        self.listen('joint_states', JointState, 10)
        self.listen('camera_pose', PoseStamped, LATCHED)
        self.listen('robot_description', String, LATCHED)
        self._arm, self._gripper = (
            self.node.create_publisher(JointTrajectory, f'{name}_controller/joint_trajectory', 1)
            for name in ('arm', 'gripper')
        )
        self._services = {
            name: self.node.create_client(Trigger, f'sim_robot/{name}')
            for name in ('reset', 'verdict')
        }
        self._parameters = self.node.create_client(SetParameters, 'sim_robot/set_parameters')

    def listen(self, name: str, kind: Any, quality: Any) -> Any:
        return self.node.create_subscription(kind, name, self.messages[name].append, quality)

    def wait(self, condition: Any, what: str, seconds: float = 40.0) -> None:
        end = self.node.get_clock().now().nanoseconds + seconds * 1e9
        while not condition():
            assert self.node.get_clock().now().nanoseconds < end, (
                f'timed out waiting for {what}:\n{self.process.output}'
            )
            self._executor.spin_once(timeout_sec=0.05)

    def joints(self) -> np.ndarray:
        """Newest positions of the arm's joints."""
        self.messages['joint_states'].clear()
        self.wait(lambda: self.messages['joint_states'], 'joint states')
        message = self.messages['joint_states'][-1]
        return np.array([message.position[message.name.index(name)] for name in ARM])

    def send(
        self, *points: np.ndarray, seconds: float, names: list[str] = ARM, stamp: int = 0
    ) -> None:
        self.wait(self._arm.get_subscription_count, 'the controller')
        message = JointTrajectory(joint_names=names)
        message.header.stamp = Time(sec=stamp // 10**9, nanosec=stamp % 10**9)
        for number, point in enumerate(points, 1):
            one = JointTrajectoryPoint(positions=[float(value) for value in point])
            due = round(seconds * number / len(points) * 1e9)
            one.time_from_start.sec, one.time_from_start.nanosec = divmod(due, 10**9)
            message.points.append(one)
        self._arm.publish(message)

    def go(self, *points: np.ndarray, seconds: float) -> None:
        self.send(*points, seconds=seconds)
        self.wait(lambda: np.abs(self.joints() - points[-1]).max() < 0.01, 'the arm to arrive')

    def close_gripper(self) -> None:
        self.wait(self._gripper.get_subscription_count, 'the controller of the gripper')
        message = JointTrajectory(joint_names=['panda_finger_joint1'])
        message.points = [JointTrajectoryPoint(positions=[0.0])]
        message.points[0].time_from_start.sec = 1
        self._gripper.publish(message)
        states = self.messages['joint_states']
        self.wait(lambda: states and states[-1].position[7] < 1e-4, 'the gripper to close')

    def call(self, service: str) -> Any:
        return self._request(self._services[service], Trigger.Request())

    def set(self, **parameters: Any) -> None:
        values = [Parameter(name, value=value) for name, value in parameters.items()]
        request = SetParameters.Request(parameters=[one.to_parameter_msg() for one in values])
        assert all(one.successful for one in self._request(self._parameters, request).results)

    def _request(self, client: Any, request: Any) -> Any:
        self.wait(client.service_is_ready, client.srv_name)
        future = client.call_async(request)
        self.wait(future.done, f'the answer of {client.srv_name}')
        return future.result()

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)
