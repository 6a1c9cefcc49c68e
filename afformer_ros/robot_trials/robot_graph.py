# SPDX-License-Identifier: Apache-2.0
"""The ROS graph of a simulated robot: its driver, the grounding node, and a planner."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from geometry_msgs.msg import PoseStamped
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from std_srvs.srv import Trigger

from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.action import OperateElement
from afformer_ros.client import ConcurrentActionClient
from afformer_ros.driver.grounding_driver import GroundingDriver, NodeError, NodeProcesses
from afformer_ros.planner.operate_action import NAME as OPERATE
from afformer_ros.planner.planner_node import PlannerNode
from afformer_ros.robot_trials.lock_step import LockStep

_ROBOT = 'sim_robot'
_POLL = 0.02
# Nanoseconds after which the planner takes a pose for that of a camera at rest.
_AT_REST = 10**9
_NEWEST = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)


class RobotGraph(GroundingDriver):
    """The running graph; close it at the end.

    Args:
        folder: folder for the node's store, and below which demonstrations are read.
        processes: processes of the nodes.
        model: folder of the model; empty for the shipped one.
        robot: initial parameters of the simulated robot.

    Attributes:
        folder: see the arguments.
        planner: the planner.
    """

    def __init__(
        self, folder: Path, processes: NodeProcesses, model: str, robot: Mapping[str, Any]
    ) -> None:
        super().__init__('robot_trials', processes)
        self.folder = folder
        node = self.node
        self._parameters: Any = node.create_client(SetParameters, f'{_ROBOT}/set_parameters')
        self._reset: Any = node.create_client(Trigger, f'{_ROBOT}/reset')
        self._verdict: Any = node.create_client(Trigger, f'{_ROBOT}/verdict')
        self._operate: Any = ConcurrentActionClient(node, OperateElement, f'planner/{OPERATE}')
        self._stamps: dict[str, int] = {}
        for kind, topic in ((CameraInfo, 'camera_info'), (PoseStamped, 'camera_pose')):
            node.create_subscription(kind, topic, partial(self._keep_stamp, topic), _NEWEST)
        self.planner = PlannerNode(
            threading.Event(),
            parameter_overrides=[
                Parameter('agreeing_images', value=2),
                Parameter('use_sim_time', value=True),
                Parameter('serve', value=True),
                Parameter('compliant', value=True),
                Parameter('effort_without_gravity', value=True),
            ],
        )
        self.spin_too(self.planner)
        LockStep(node, self.planner.operator.grounding, _ROBOT)
        self.start_grounding(
            {
                'store_folder': folder / 'store',
                'demonstration_folders': f'[{folder}]',
                'use_sim_time': True,
                'lazy': True,
                **({'model': model} if model else {}),
            }
        )
        robot = {'lock_step': True, **robot}
        processes.start('simulated robot', f'afformer_ros.executables.{_ROBOT}', {}, robot)

    def close(self) -> None:
        """Stop the planner, and shut ROS down."""
        self.planner.close()
        self.stop_spinning()
        self.planner.destroy_node()
        super().close()

    def begin(self, **parameters: Any) -> None:
        """Start the trial of the robot's parameters, and wait until its camera is at rest.

        Raises:
            NodeError: there is no such trial.
        """
        messages = [
            Parameter(name, value=value).to_parameter_msg() for name, value in parameters.items()
        ]
        answer = self.request(self._parameters, SetParameters.Request(parameters=messages))
        for result in answer.results:
            if not result.successful:
                raise NodeError(f'the simulated robot rejects a parameter: {result.reason}')
        before = self._stamps.get('camera_pose')
        reset = self.request(self._reset, Trigger.Request())
        if not reset.success:
            raise NodeError(f'the simulated robot was not reset: {reset.message}')
        # Images of the previous trial are still in transit.
        self.wait(
            lambda: (
                before != (begun := self._stamps.get('camera_pose'))
                and self._stamps.get('camera_info', 0) > (begun or 0) + _AT_REST
            ),
            'an image of the new trial',
        )

    def operate(
        self,
        names: Sequence[str],
        action: str,
        attempts: int,
        report: Callable[[OperateElement.Feedback], None] | None = None,
    ) -> OperateElement.Result:
        """Let the planner repeat demonstrations, see OperateElement.

        Args:
            names, action, attempts: fields of the goal.
            report: called with each feedback, by the executor's thread.

        Raises:
            NodeError: a process failed.
        """
        goal = OperateElement.Goal(demonstrations=names, action=action, attempts=attempts)
        self.wait(self._operate.server_is_ready, 'the action of the planner')
        sent = self._operate.send_goal_async(
            goal, None if report is None else lambda message: report(message.feedback)
        )
        self.wait(sent.done, 'the acceptance of a goal')
        result = sent.result().get_result_async()
        while not result.done():
            # An operation lasts as long as its attempts, and ends by its own time limits.
            self.processes.check()
            time.sleep(_POLL)
        return result.result().result

    def judge(self) -> dict[str, Any]:
        """Return the simulator's verdict of the trial so far, see `~/verdict` of `sim_robot`."""
        answer = self.request(self._verdict, Trigger.Request())
        verdict: dict[str, Any] = json.loads(answer.message)
        return verdict

    def _keep_stamp(self, topic: str, message: Any) -> None:
        self._stamps[topic] = stamp_nanoseconds(message.header.stamp)
