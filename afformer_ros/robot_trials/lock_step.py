# SPDX-License-Identifier: Apache-2.0
"""The lock-step of a simulated robot with its planner and the grounding node."""

from __future__ import annotations

import time

from builtin_interfaces.msg import Time

# rclpy.clock_type does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, JointState

from afformer_ros.client import GroundingClient
from afformer_ros.grounding.parameters import QosParameters
from afformer_ros.sim_robot.acknowledgement import TOPIC

# Images that may be on their way while a goal of the grounding node is open.
_IMAGES = 2
# Wall time after which an image is assumed to be lost, and between two checks, seconds.
_LOSS, _PERIOD = 10.0, 0.02


class LockStep:
    """A node's acknowledgements of joint states, for which the simulated robot waits.

    While a goal of the grounding node is open, simulated time also waits for its images. A slow
    computer therefore grounds as many images, and moves the arm as precisely, as a fast one.

    Args:
        node: node that subscribes and publishes; the thread that spins it also spins the planner.
        grounding: the planner's client of the grounding node.
        robot: name of the simulated robot.
    """

    def __init__(self, node: Node, grounding: GroundingClient, robot: str) -> None:
        self._grounding = grounding
        self._newest: Time | None = None
        self._images, self._grounded = 0, 0
        self._since = time.monotonic()
        self._publisher = node.create_publisher(Time, f'{robot}/{TOPIC}', 10)
        node.create_subscription(JointState, 'joint_states', self._take_state, 10)
        quality = QosParameters(camera_info_qos='SENSOR_DATA').profile('camera_info')
        node.create_subscription(CameraInfo, 'camera_info', self._take_info, quality)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(_PERIOD, self._acknowledge, clock=steady)

    def _take_state(self, message: JointState) -> None:
        self._newest = message.header.stamp
        self._acknowledge()

    def _take_info(self, _: CameraInfo) -> None:
        if self._images == 0:
            self._since = time.monotonic()
        self._images += 1

    def _acknowledge(self) -> None:
        if self._newest is not None and not self._is_behind():
            self._publisher.publish(self._newest)
            self._newest = None

    def _is_behind(self) -> bool:
        """Check whether the grounding node still works on the last images."""
        grounded, now = self._grounding.grounded, time.monotonic()
        if not self._grounding.busy or grounded != self._grounded or now - self._since > _LOSS:
            self._grounded, self._images, self._since = grounded, 0, now
        return self._images >= _IMAGES
