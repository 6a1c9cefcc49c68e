# SPDX-License-Identifier: Apache-2.0
"""The goals of the action `~/record_demonstration`, each with its recording."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from rclpy.node import Node

from afformer_core.demonstrations.state import DemonstrationState, Phase, Summary
from afformer_ros.action import RecordDemonstration
from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.actions.goal_fields import seconds_of
from afformer_ros.grounding.actions.goal_time import GoalClock
from afformer_ros.grounding.actions.open_goal import Ending, OpenGoal, failure_text
from afformer_ros.grounding.demonstrations.demonstration_recorder import (
    DemonstrationRecorder,
    StartedRecording,
)
from afformer_ros.grounding.demonstrations.summary_fields import fill_summary
from afformer_ros.grounding.parameters import DemonstrationParameters
from afformer_ros.parameter_fields import constraints_of


@dataclass(eq=False)
class _RecordGoal:
    """A goal, and the state of its recording.

    Attributes:
        goal: goal of the client.
        clock: time since the last frame.
        maximum_duration: maximum seconds from the first frame to the end; 0: any.
        frame_timeout: seconds without a frame, after the first one, at which it ends; 0: never.
        recording: its recording; None before it starts.
        frames, duration: of the recording so far.
        finishing: whether the end of the recording was requested.
    """

    goal: OpenGoal
    clock: GoalClock
    maximum_duration: float
    frame_timeout: float
    recording: StartedRecording | None = None
    frames: int = 0
    duration: float = 0.0
    finishing: bool = False

    def is_over(self) -> bool:
        """Check whether the recording should end now."""
        waited = self.clock.elapsed()
        if not self.frames or self.finishing:
            return False
        late = bool(self.frame_timeout) and waited >= self.frame_timeout
        full = bool(self.maximum_duration) and self.duration + waited >= self.maximum_duration
        return late or full


class RecordAction:
    """A handler of goals, which the recorder refuses while another recording runs.

    The executor's thread provides goals and the time, and the worker's thread provides frames and
    the end of the recording.

    Args:
        endpoint: action of the node.
        node: node whose clock and log are used.
        recorder: records.
        last_message: function that returns the last message about the demonstrations.
    """

    def __init__(
        self,
        endpoint: ActionEndpoint,
        node: Node,
        recorder: DemonstrationRecorder,
        last_message: Callable[[], str],
    ) -> None:
        self._endpoint = endpoint
        self._node = node
        self._recorder = recorder
        self._last_message = last_message
        self._lock = threading.RLock()
        self._goals: list[_RecordGoal] = []
        self._closed = ''
        endpoint.attach(self)

    def close(self, reason: str) -> None:
        """End all goals, and accept no more; the recorder drops its recording.

        Args:
            reason: reason that their clients receive.
        """
        self._endpoint.detach()
        with self._lock:
            self._closed = reason
            for open_goal in list(self._goals):
                self._end(open_goal, RecordDemonstration.Result(message=reason))

    def take(self, goal: OpenGoal) -> None:
        """Accept a goal, and start recording.

        Raises:
            RefusedGoalError: a duration is out of range.
        """
        seconds = constraints_of(DemonstrationParameters)['maximum_recording_seconds']
        maximum = seconds_of(goal.request.maximum_duration, 'maximum_duration', seconds)
        frame_timeout = seconds_of(goal.request.frame_timeout, 'frame_timeout', seconds)
        goal.begin()
        clock = GoalClock(lambda: self._node.get_clock().now().nanoseconds, time.monotonic)
        one = _RecordGoal(goal, clock, maximum, frame_timeout)
        with self._lock:
            self._goals.append(one)
            if self._closed:
                self._end(one, RecordDemonstration.Result(message=self._closed))
                return
        started = self._recorder.start(goal.request.name, maximum)
        started.add_done_callback(partial(self._started, one))

    def cancel(self, goal: OpenGoal) -> None:
        """Drop a recording that its client cancels."""
        with self._lock:
            for matching in [open_goal for open_goal in self._goals if open_goal.goal is goal]:
                self._drop(matching)

    def tick(self) -> None:
        """Finish recordings that have lasted long enough."""
        with self._lock:
            for open_goal in self._goals:
                if open_goal.recording is not None and open_goal.is_over():
                    open_goal.finishing = True
                    self._recorder.finish(open_goal.recording)

    def demonstrations_changed(self, state: DemonstrationState) -> None:
        """Send feedback about recordings to their clients."""
        if state.phase != Phase.RECORDING:
            return
        with self._lock:
            for open_goal in self._goals:
                if open_goal.recording is not None and open_goal.recording.name == state.name:
                    if state.frames != open_goal.frames:
                        open_goal.clock.restart()
                    open_goal.frames, open_goal.duration = state.frames, state.duration
                    open_goal.goal.publish_feedback(
                        RecordDemonstration.Feedback(
                            frames=state.frames,
                            frames_lost=state.frames_lost,
                            duration=float(state.duration),
                            hands_seen=state.hands_seen,
                        )
                    )

    def _started(self, one: _RecordGoal, started: Future[StartedRecording]) -> None:
        error = started.exception()
        with self._lock:
            if error is not None:
                self._end(one, RecordDemonstration.Result(message=failure_text(error)))
                return
            one.recording = started.result()
            # Frames are recorded from here on.
            one.goal.publish_feedback(RecordDemonstration.Feedback())
            if one.goal.canceled:
                self._drop(one)
        one.recording.ended.add_done_callback(partial(self._ended, one))

    def _drop(self, one: _RecordGoal) -> None:
        if one.recording is not None:
            self._recorder.drop(one.recording, 'its client canceled it')

    def _ended(self, one: _RecordGoal, ended: Future[Summary]) -> None:
        error = ended.exception()
        with self._lock:
            if error is not None:
                self._end(one, RecordDemonstration.Result(message=failure_text(error)))
                return
            result = RecordDemonstration.Result(success=True, message=self._last_message())
            self._end(one, fill_summary(result, ended.result()))

    def _end(self, one: _RecordGoal, result: RecordDemonstration.Result) -> None:
        if one not in self._goals:
            return
        self._goals.remove(one)
        if result.success:
            one.goal.end(Ending.SUCCEEDED, result)
        else:
            one.goal.fail(result)
            self._node.get_logger().info(f'record_demonstration: {result.message}')
