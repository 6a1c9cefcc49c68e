# SPDX-License-Identifier: Apache-2.0
"""An arm whose controllers also have the actions of control_msgs, like those of ros2_control."""

from __future__ import annotations

from typing import Any

import numpy as np
from control_msgs.action import FollowJointTrajectory, GripperCommand
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.task import Future

from .stand_in_arm import FINGER, StandInArm, Track

# An end of a goal: the method of its handle, and the fields of its result.
End = tuple[str, dict[str, Any]]


class StandInControllers(StandInArm):
    """The arm.

    Attributes:
        goals: the goals that were accepted, of all actions.
        refusing: whether goals are rejected.
        answering: future until which goals are not answered; None: they are answered at once.
        cancelable: whether goals can be canceled.
        end: how the next motion ends, instead of when it has arrived; None: it arrives.
        patience: seconds of the clock after which it ends.
    """

    def __init__(self, gripper: Any = GripperCommand, **options: Any) -> None:
        super().__init__(**options)
        self.goals: list[Any] = []
        self.refusing, self.cancelable = False, True
        self.answering: Future | None = None
        self.end: End | None = None
        self.patience = 0.0
        self._open = Future()
        self._due: tuple[float, End] | None = None
        self._types = {
            'arm_controller/follow_joint_trajectory': FollowJointTrajectory,
            'gripper_controller/gripper_cmd': gripper,
        }
        for name, kind in self._types.items():
            ActionServer(
                self.node,
                kind,
                name,
                execute_callback=self._move if 'arm' in name else self._close,
                goal_callback=self._accept,
                cancel_callback=self._cancel,
            )

    def advance(self) -> None:
        super().advance()
        if self._due is not None and self.now * 1e-9 >= self._due[0]:
            self._stop(self._due[1])

    async def _accept(self, _: Any) -> GoalResponse:
        if self.answering is not None:
            await self.answering
        return GoalResponse.REJECT if self.refusing else GoalResponse.ACCEPT

    def _cancel(self, _: Any) -> CancelResponse:
        if not self.cancelable:
            return CancelResponse.REJECT
        self._stop(('canceled', {}))
        return CancelResponse.ACCEPT

    def _stop(self, end: End) -> None:
        """Hold the joints where they are, and end the open goal."""
        self._due = None
        self.tracks.append(Track(np.array([self.now * 1e-9]), self.joints[None]))
        self._open.set_result(end)

    async def _move(self, handle: Any) -> Any:
        self.goals.append(handle.request)
        if self._due is not None:
            self._stop(('abort', {'error_code': -1, 'error_string': 'preempted'}))
        ended = self._open = Future()
        self.follow(handle.request.trajectory)
        self._due = self.tracks[-1].times[-1], ('succeed', {})
        if self.end is not None:
            self._due = self.now * 1e-9 + self.patience, self.end
        ending, fields = await ended
        getattr(handle, ending)()
        return FollowJointTrajectory.Result(**fields)

    async def _close(self, handle: Any) -> Any:
        self.goals.append(handle.request)
        command = handle.request.command
        parallel = hasattr(command, 'name')
        target = command.position[0] if parallel else command.position
        assert not parallel or command.name == [FINGER]
        self.move_finger(target)
        if self.finger > target:
            handle.abort()
        else:
            handle.succeed()
        return self._types['gripper_controller/gripper_cmd'].Result(stalled=self.finger > target)
