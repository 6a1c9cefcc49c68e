# SPDX-License-Identifier: Apache-2.0
"""The actions `~/record_demonstration` and `~/load_demonstration`, with their open goals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.node import Node

from afformer_core.demonstrations.state import DemonstrationState, Phase, Summary, validated_name
from afformer_ros.action import LoadDemonstration, RecordDemonstration
from afformer_ros.grounding.actions.action_endpoint import (
    ActionEndpoint,
    Ending,
    GoalHandler,
    OpenGoal,
    failure_text,
)
from afformer_ros.grounding.actions.goal_fields import (
    GoalClock,
    RefusedGoalError,
    refused_if_invalid,
    seconds_of,
)
from afformer_ros.grounding.demonstrations.demonstration_services import (
    DemonstrationLoader,
    fill_summary,
)
from afformer_ros.grounding.demonstrations.demonstration_topics import (
    DemonstrationRecorder,
    StartedRecording,
)
from afformer_ros.grounding.parameters import DemonstrationParameters
from afformer_ros.parameter_fields import constraints_of

# Seconds between two checks of whether a loading that waits for the worker must stop.
_POLL_PERIOD = 0.1
# Seconds between two messages of feedback.
_FEEDBACK_PERIOD = 0.1


class _DemonstrationAction(GoalHandler):
    """A handler of goals that end with a demonstration, or with a reason why there is none.

    Args:
        endpoint: action of the node.
        kind: class of the action.
        node: node whose clock and log are used.
        last_message: function that returns the last message about the demonstrations.
    """

    def __init__(
        self, endpoint: ActionEndpoint, kind: Any, node: Node, last_message: Callable[[], str]
    ) -> None:
        self._endpoint = endpoint
        self._kind = kind
        self._node = node
        self._last_message = last_message
        self._lock = threading.RLock()
        self._closed = ''
        endpoint.attach(self)

    def tick(self) -> None:
        """End goals whose time is up; by default, they have no time limit."""
        return

    def _answer(self, goal: OpenGoal, ended: Summary | str) -> None:
        """End a goal with its demonstration, or with the reason."""
        if isinstance(ended, Summary):
            result = self._kind.Result(success=True, message=self._last_message())
            goal.end(Ending.SUCCEEDED, fill_summary(result, ended))
        elif goal.fail(self._kind.Result(message=ended)):
            self._node.get_logger().info(f'{self._kind.__name__}: {ended}')


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


class RecordAction(_DemonstrationAction):
    """A handler of goals, which the recorder refuses while another recording runs.

    The executor's thread provides goals and the time, and the worker's thread provides frames and
    the end of the recording.

    Args:
        recorder: records.
    """

    def __init__(
        self,
        endpoint: ActionEndpoint,
        node: Node,
        recorder: DemonstrationRecorder,
        last_message: Callable[[], str],
    ) -> None:
        self._recorder = recorder
        self._goals: list[_RecordGoal] = []
        super().__init__(endpoint, RecordDemonstration, node, last_message)

    def close(self, reason: str) -> None:
        """End all goals, and accept no more; the recorder drops its recording.

        Args:
            reason: reason that their clients receive.
        """
        self._endpoint.detach()
        with self._lock:
            self._closed = reason
            for open_goal in list(self._goals):
                self._end(open_goal, reason)

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
                self._end(one, self._closed)
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
                self._end(one, failure_text(error))
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
            self._end(one, ended.result() if error is None else failure_text(error))

    def _end(self, one: _RecordGoal, ended: Summary | str) -> None:
        if one in self._goals:
            self._goals.remove(one)
            self._answer(one.goal, ended)


class _StoppedError(Exception):
    """Raised if the loading must stop; the text gives the reason."""


@dataclass
class _LoadGoal:
    """A goal and its state.

    Attributes:
        goal: goal of the client.
        stop: reason why it must end; empty: it continues.
        told: time of the last feedback, monotonic seconds.
    """

    goal: OpenGoal
    stop: str = ''
    told: float = 0.0

    def check(self) -> None:
        """Raise an error if the loading must stop."""
        if self.stop:
            raise _StoppedError(f'the loading of {self.goal.request.path!r} stopped: {self.stop}')

    def wait(self, command: Future[Any]) -> Any:
        """Wait for the result of a command of the worker."""
        while True:
            try:
                return command.result(_POLL_PERIOD)
            except FutureTimeoutError:
                if command.done():
                    raise
                self.check()

    def progress(self, frames: int, share: float) -> None:
        """Send the progress of reading to the client."""
        self.check()
        now = time.monotonic()
        if share == 1.0 or now - self.told > _FEEDBACK_PERIOD:
            self.told = now
            feedback = LoadDemonstration.Feedback(frames=frames, progress=share)
            self.goal.publish_feedback(feedback)


class LoadAction(_DemonstrationAction):
    """A handler of goals, whose files a thread reads one after another.

    Args:
        loader: reads files and adds demonstrations.
    """

    def __init__(
        self,
        endpoint: ActionEndpoint,
        node: Node,
        loader: DemonstrationLoader,
        last_message: Callable[[], str],
    ) -> None:
        self._loader = loader
        self._goals: dict[OpenGoal, tuple[_LoadGoal, Future[None]]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix='loading')
        super().__init__(endpoint, LoadDemonstration, node, last_message)

    def take(self, goal: OpenGoal) -> None:
        """Accept a goal, whose file is read after those of previous goals.

        Raises:
            RefusedGoalError: the goal has no file, or the name of the demonstration is invalid.
        """
        request = goal.request
        if not request.path:
            raise RefusedGoalError('path is empty; expected a video, a folder of images or a bag')
        if request.name:
            with refused_if_invalid():
                validated_name(request.name)
        goal.begin()
        one = _LoadGoal(goal)
        with self._lock:
            if self._closed:
                self._answer(goal, self._closed)
            else:
                self._goals[goal] = one, self._pool.submit(self._load, one)

    def cancel(self, goal: OpenGoal) -> None:
        """Stop a loading that its client cancels."""
        with self._lock:
            if goal in self._goals:
                self._stop(goal, 'its client canceled it')

    def close(self, reason: str, timeout: float) -> bool:
        """Stop all loadings, and accept no more goals.

        Args:
            reason: reason that their clients receive.
            timeout: maximum time to wait for them, in seconds.

        Returns:
            whether all have ended.
        """
        self._endpoint.detach()
        with self._lock:
            self._closed = reason
            loadings = [loading for _, loading in self._goals.values()]
            for goal in list(self._goals):
                self._stop(goal, reason)
        self._pool.shutdown(wait=False)
        ended = not wait(loadings, timeout).not_done
        with self._lock:
            # A read that blocks cannot be interrupted either.
            for goal in self._goals:
                self._answer(goal, reason)
        return ended

    def _stop(self, goal: OpenGoal, reason: str) -> None:
        one, loading = self._goals[goal]
        one.stop = reason
        if loading.cancel():
            # It was still waiting.
            del self._goals[goal]
            self._answer(goal, reason)

    def _load(self, one: _LoadGoal) -> None:
        request = one.goal.request
        ended: Summary | str
        try:
            ended = self._loader.load(
                request.path, request.name, one.wait, one.progress, one.check
            )
        except _StoppedError as error:
            ended = str(error)
        # Any error is reported to the client.
        except Exception as error:  # noqa: BLE001
            ended = failure_text(error)
        self._answer(one.goal, ended)
        with self._lock:
            self._goals.pop(one.goal, None)
