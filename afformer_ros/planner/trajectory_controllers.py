# SPDX-License-Identifier: Apache-2.0
"""Controllers of an arm and its gripper, reached by actions of control_msgs or by topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from action_msgs.msg import GoalStatus
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from afformer_core.manipulation.joint_motion import JointMotion
from afformer_ros.client import ConcurrentActionClient
from afformer_ros.planner.joint_states import ArmError, StoppedError
from afformer_ros.planner.waiting import TimeLimit, Waiting, duration_message

try:
    from control_msgs import action as control_actions
except ImportError:
    control_actions = None

# Seconds for a controller to appear; for its action server, if the topic is there already; and for
# the answer to a goal.
_STARTING, _DISCOVERY, _ANSWER = 10.0, 1.0, 1.0
# Seconds for a controller to halt an arm, and for a gripper to move.
HALT_SECONDS, STROKE_SECONDS = 0.3, 0.5
# Wall time for which the clock may stand still while an arm halts, seconds.
STANDSTILL = 2.0
# Wall time for a trajectory to arrive, seconds.
_ARRIVAL = Duration(seconds=1.0)


class ControllerError(ArmError):
    """Raised if a controller rejects or ends a motion; it holds the arm."""


class Controller(Protocol):
    """A controller.

    Attributes:
        name: name of its topic or action.
    """

    name: str

    def found(self) -> bool:
        """Check whether the controller is there."""

    def running(self) -> bool | None:
        """Return whether it tells that it executes the last command; None: not accepted yet.

        Raises:
            ControllerError: it rejected the command, or ended it without success.
            ArmError: it does not answer.
        """


class ArmController(Controller, Protocol):
    """A controller that moves an arm."""

    def start(self, motion: JointMotion, delay: float) -> None:
        """Begin a motion in some seconds, in place of the present one."""

    def halt(self, positions: NDArray[np.float64]) -> None:
        """Halt at once; hold positions [N], radians, if the controller does not choose them."""


class GripperController(Controller, Protocol):
    """A controller that moves a gripper."""

    def start(self, position: float, effort: float) -> None:
        """Begin to move to a position with a maximum effort; 0: that of the driver."""


_AnyController = TypeVar('_AnyController', bound=Controller)


def arm_controllers(node: Node, joints: Sequence[str], waiting: Waiting) -> list[ArmController]:
    """Return the possible controllers of an arm, best first, by the names of its joints."""
    topic = TrajectoryTopic(node, 'arm_controller/joint_trajectory', joints)
    if control_actions is None:
        return [topic]
    return [TrajectoryAction(node, joints, waiting), topic]


def gripper_controllers(node: Node, joint: str, waiting: Waiting) -> list[GripperController]:
    """Return the possible controllers of a gripper, best first, by the name of its joint."""
    topic = GripperTopic(node, 'gripper_controller/joint_trajectory', (joint,))
    if control_actions is None:
        return [topic]
    return [GripperAction(node, joint, waiting), topic]


def choose(controllers: Sequence[_AnyController], waiting: Waiting) -> _AnyController:
    """Return the first controller that is there, and wait for it.

    Raises:
        StoppedError: the planner was stopped.
        ArmError: there is none.
    """
    best = controllers[0]
    reason = waiting.until(lambda: any(found.found() for found in controllers), _STARTING)
    if not reason and not best.found():
        waiting.until(best.found, _DISCOVERY)
    if stop := waiting.why_stopped:
        raise StoppedError(stop)
    if reason:
        names = ' and '.join(controller.name for controller in controllers)
        raise ArmError(
            f"nobody listens to {names}: {reason}; expected the arm's controller. Start the "
            'driver of the arm'
        )
    return next(controller for controller in controllers if controller.found())


class _TopicController:
    """The topic of a controller that takes trajectories, and reports nothing.

    Args:
        node: node of the publisher.
        name: name of the topic.
        joints: names of the joints.
    """

    def __init__(self, node: Node, name: str, joints: Sequence[str]) -> None:
        self.name = name
        self._joints = list(joints)
        self._publisher = node.create_publisher(JointTrajectory, name, 1)

    def found(self) -> bool:
        """Check whether anybody subscribes."""
        return bool(self._publisher.get_subscription_count())

    def running(self) -> bool | None:
        """Return False."""
        return False

    def _publish(self, message: JointTrajectory) -> None:
        self._publisher.publish(message)
        # On a busy computer, it may arrive late; an arm that does not move yet is not blocked.
        self._publisher.wait_for_all_acked(_ARRIVAL)


class TrajectoryTopic(_TopicController):
    """The topic of an arm's controller."""

    def start(self, motion: JointMotion, delay: float) -> None:
        """Send a motion that begins in some seconds."""
        self._publish(motion_message(self._joints, motion, delay))

    def halt(self, positions: NDArray[np.float64]) -> None:
        """Command the arm to positions [N], radians."""
        self._publish(hold_message(self._joints, positions, HALT_SECONDS))


class GripperTopic(_TopicController):
    """The topic of a gripper's controller.

    A controller that commands no effort, such as most of ros2_control, ignores a message with one.
    """

    def start(self, position: float, effort: float) -> None:
        """Send a position, and a maximum effort above 0."""
        message = hold_message(self._joints, np.array([position]), STROKE_SECONDS)
        message.points[0].effort = [effort] if effort else []
        self._publish(message)


class _ActionController:
    """The newest goal of an action.

    Args:
        node: node of the client.
        name: name of the action.
        kinds: types of the action that its server may have.
        waiting: waits of the planner.
    """

    def __init__(self, node: Node, name: str, kinds: Sequence[Any], waiting: Waiting) -> None:
        # rclpy remaps no names of actions, only those of their topics and services.
        self.name = node.resolve_topic_name(name)
        self._node = node
        self._kinds = {f'control_msgs/action/{kind.__name__}': kind for kind in kinds}
        self._waiting = waiting
        self._kind: Any = None
        self._client: Any = None
        self._response: Any = None
        self._result: Any = None

    def found(self) -> bool:
        """Check whether a server is there, of any of the types."""
        publishers = self._node.get_publishers_info_by_topic(f'{self.name}/_action/feedback')
        types = {info.topic_type.removesuffix('_FeedbackMessage') for info in publishers}
        kind = next((kind for name, kind in self._kinds.items() if name in types), None)
        if kind is None:
            return False
        if kind is not self._kind:
            # Not created before, because Fast DDS refuses topics of one name and two types.
            self._kind, self._client = kind, ConcurrentActionClient(self._node, kind, self.name)
        return bool(self._client.server_is_ready())

    def _send(self, goal: Any) -> None:
        self._result = None
        self._response = self._client.send_goal_async(goal)
        self._limit = self._waiting.limit(_ANSWER)

    def running(self) -> bool | None:
        """Return whether the goal is open; None: not accepted yet; see `Controller`."""
        if not self._response.done():
            if reason := self._limit.reason():
                raise ArmError(
                    f'{self.name} does not answer: {reason}; expected it to accept the goal. '
                    'Check the driver of the arm'
                )
            return None
        handle = self._response.result()
        if not handle.accepted:
            raise ControllerError(
                f'{self.name} rejected the goal; expected an active controller of these joints. '
                'See the log of the driver'
            )
        if self._result is None:
            self._result = handle.get_result_async()
        if not self._result.done():
            return True
        answer = self._result.result()
        if answer.status == GoalStatus.STATUS_CANCELED:
            raise ControllerError(
                f'the goal of {self.name} was canceled; expected no other node to do so. Stop '
                'what else moves the arm'
            )
        self._check(answer)
        return False

    def _check(self, answer: Any) -> None:
        """Raise an error if an answer of the goal is one."""

    def _cancel(self) -> bool:
        """Cancel the goal; return whether its server has agreed."""
        if not self._response.done() or not self._response.result().accepted:
            return False
        canceled = self._response.result().cancel_goal_async()
        # An interrupted planner halts the arm, too.
        limit = TimeLimit(self._waiting.now, HALT_SECONDS, STANDSTILL)
        while not canceled.done() and not limit.reason():
            self._waiting.pause()
        return canceled.done() and bool(canceled.result().goals_canceling)


class TrajectoryAction(_ActionController):
    """The action `arm_controller/follow_joint_trajectory`."""

    def __init__(self, node: Node, joints: Sequence[str], waiting: Waiting) -> None:
        kinds = (control_actions.FollowJointTrajectory,)
        super().__init__(node, 'arm_controller/follow_joint_trajectory', kinds, waiting)
        self._joints = list(joints)

    def start(self, motion: JointMotion, delay: float) -> None:
        """Send a motion that begins in some seconds, with the tolerances of the controller."""
        self._send(self._kind.Goal(trajectory=motion_message(self._joints, motion, delay)))

    def _check(self, answer: Any) -> None:
        result = answer.result
        if answer.status != GoalStatus.STATUS_SUCCEEDED or result.error_code:
            raise ControllerError(
                f'{self.name} ended the motion: {self._code(result.error_code)}, '
                f'"{result.error_string}"; expected it to reach the end. See the log of the driver'
            )

    def halt(self, positions: NDArray[np.float64]) -> None:
        """Cancel the goal; hold positions [N], radians, if that is refused or not answered.

        A joint_trajectory_controller then holds what it measures in its next cycle, or brakes as
        it is configured to. A goal in the place of the canceled one would hold older positions.
        """
        if not self._cancel():
            message = hold_message(self._joints, positions, HALT_SECONDS)
            self._send(self._kind.Goal(trajectory=message))

    def _code(self, value: int) -> str:
        names = (
            'INVALID_GOAL',
            'INVALID_JOINTS',
            'OLD_HEADER_TIMESTAMP',
            'PATH_TOLERANCE_VIOLATED',
            'GOAL_TOLERANCE_VIOLATED',
        )
        codes = {getattr(self._kind.Result, name): name for name in names}
        return codes.get(value, f'error {value}')


class GripperAction(_ActionController):
    """The action `gripper_controller/gripper_cmd`, of either type of gripper.

    An aborted goal is no error: drivers abort it if the gripper has stalled on an object.
    """

    def __init__(self, node: Node, joint: str, waiting: Waiting) -> None:
        types = ('GripperCommand', 'ParallelGripperCommand')
        kinds = [
            getattr(control_actions, name) for name in types if hasattr(control_actions, name)
        ]
        super().__init__(node, 'gripper_controller/gripper_cmd', kinds, waiting)
        self._joint = joint

    def start(self, position: float, effort: float) -> None:
        """Send a position, and a maximum effort."""
        goal = self._kind.Goal()
        if hasattr(goal.command, 'max_effort'):
            goal.command.position, goal.command.max_effort = position, effort
        else:
            goal.command.name, goal.command.position = [self._joint], [position]
            goal.command.effort = [effort] if effort else []
        self._send(goal)


def motion_message(joints: list[str], motion: JointMotion, delay: float) -> JointTrajectory:
    """Convert a motion that begins some seconds after the message has arrived.

    Until then, the controller moves smoothly from where its own command is, which may differ from
    where the arm is; to a point at 0 s it would jump.
    """
    values = motion.positions, motion.velocities, motion.accelerations
    points = [
        JointTrajectoryPoint(
            positions=positions.tolist(),
            velocities=velocities.tolist(),
            accelerations=accelerations.tolist(),
            time_from_start=duration_message(delay + float(seconds)),
        )
        for seconds, positions, velocities, accelerations in zip(
            motion.times, *values, strict=True
        )
    ]
    return JointTrajectory(joint_names=joints, points=points)


def hold_message(
    joints: list[str], positions: NDArray[np.float64], seconds: float
) -> JointTrajectory:
    """Command joints to positions [N] in some seconds, and to stay there.

    Without velocities, a joint_trajectory_controller does not overshoot from the present one.

    Raises:
        ArmError: a position is not finite.
    """
    if not np.isfinite(positions).all():
        raise ArmError(
            f'{", ".join(joints)} would go to {positions.tolist()}; expected finite positions'
        )
    point = JointTrajectoryPoint(
        positions=positions.tolist(), time_from_start=duration_message(seconds)
    )
    return JointTrajectory(joint_names=joints, points=[point])
