# SPDX-License-Identifier: Apache-2.0
"""The topics of demonstrations: recorded frames, the state, and the frame of the selected one."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any

from geometry_msgs.msg import Point
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from afformer_core.demonstrations.demonstration_file import UsedFrame
from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.state import DemonstrationState, Phase, Summary
from afformer_core.drawing.overlay import draw_mark, draw_numbered
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.image_encoding import image_message
from afformer_ros.grounding.grounding_diagnostics import Event, GroundingStatistics
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.grounding.parameters import GroundingParameters, QosParameters
from afformer_ros.msg import DemonstrationStatus
from afformer_ros.rclpy_messages import RclpyMessages
from afformer_ros.topic_subscription import IMAGE_KINDS, TopicSubscription, TopicWatch

_LATCHED_QOS = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
FRAMES = 'demonstration_frame'
CLICKS = f'{FRAMES}_mouse_left'
# Seconds. Image viewers do not request latched messages.
_PERIOD = 1.0
_MISSING_AFTER = 2.0


class DemonstrationStatusPublisher:
    """A publisher of each state of the demonstrations, which also logs changes once.

    Args:
        node: node that publishes and logs.

    Attributes:
        state: last known state; initially, the model is being loaded.
        listeners: functions that are called with each new state, in the thread that reports it.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._logger = node.get_logger()
        self._logged_message = ''
        self._logged_problem = ''
        self._recording = False
        self.listeners: list[Callable[[DemonstrationState], None]] = []
        self._publisher: Any = node.create_publisher(
            DemonstrationStatus, 'demonstration_status', _LATCHED_QOS
        )
        self.state = DemonstrationState(phase=Phase.IDLE, message='the model is being loaded')
        self._publish()

    def changed(self, state: DemonstrationState) -> None:
        """Publish a new state."""
        self.state = state
        self._publish()
        if self._node.context.ok():
            self._log()
        for listener in self.listeners:
            listener(state)

    def loading_ended(self, loaded: Future[None]) -> None:
        """Report an error of loading the model, if there is one.

        Args:
            loaded: future of loading, which is done.
        """
        error = loaded.exception()
        if error is not None and self._node.context.ok():
            self._logger.error(f'the model cannot be used: {error}')
            self.changed(DemonstrationState(phase=Phase.FAILED, message=str(error)))

    def refused(self, what: str, message: str) -> None:
        """Log why a request was refused, unless the state already contains the reason.

        Args:
            what: request, such as 'select_demonstration'.
            message: reason for the refusal.
        """
        if message != self._logged_message:
            self._logger.warning(f'{what}: {message}')

    def destroy(self) -> None:
        """Remove the topic."""
        self._node.destroy_publisher(self._publisher)

    def _publish(self) -> None:
        state, status = self.state, DemonstrationStatus()
        status.header.stamp = self._node.get_clock().now().to_msg()
        status.state = int(state.phase)
        status.name, status.selected, status.message = state.name, state.selected, state.message
        status.frames, status.frames_kept = state.frames, state.frames_kept
        status.frames_lost = state.frames_lost
        status.duration, status.hands_seen = float(state.duration), state.hands_seen
        self._publisher.publish(status)

    def _log(self) -> None:
        """Log a recording once, and failures and future losses as warnings."""
        state = self.state
        recording = state.phase == Phase.RECORDING
        # During a recording, each frame changes the state.
        if state.message != self._logged_message and not (recording and self._recording):
            # The end of a recording reports again what cannot be stored.
            lost = bool(state.problem) and (
                state.problem != self._logged_problem or self._recording
            )
            failed = state.phase == Phase.FAILED
            # rclpy does not allow a line of code to log with two severities.
            if failed or lost:
                self._logger.warning(state.message)
            else:
                self._logger.info(state.message)
            self._logged_message = state.message
        elif state.problem and state.problem != self._logged_problem:
            self._logger.warning(state.problem)
        self._recording, self._logged_problem = recording, state.problem


class DemonstrationFrame:
    """A publisher of the frame, while it has subscribers, that marks the contact at clicks.

    Args:
        node: node that publishes and subscribes.
        worker: worker that owns the demonstrations.
        status: status of the demonstrations, to which rejected clicks are reported.
    """

    def __init__(
        self,
        node: Node,
        worker: GroundingWorker[DemonstrationLibrary],
        status: DemonstrationStatusPublisher,
    ) -> None:
        self._node = node
        self._worker = worker
        self._status = status
        self._shown: UsedFrame | None = None
        self._told = ''
        self._open = True
        group = MutuallyExclusiveCallbackGroup()
        self._publisher: Any = node.create_publisher(Image, FRAMES, 1)
        self._clicks = node.create_subscription(
            Point, CLICKS, self._clicked, 10, callback_group=group
        )
        # Frames are also published while simulated time stands still.
        self._timer = node.create_timer(
            _PERIOD, self._read, group, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def destroy(self) -> None:
        """Remove the topics."""
        self._open = False
        self._node.destroy_timer(self._timer)
        self._node.destroy_subscription(self._clicks)
        self._node.destroy_publisher(self._publisher)

    def _read(self) -> None:
        if self._publisher.get_subscription_count():
            read = self._worker.submit(lambda owned: owned.used_frame(''))
            read.add_done_callback(self._publish)

    def _publish(self, read: Future[UsedFrame]) -> None:
        """Publish the frame; called by the worker."""
        error = read.exception()
        if not self._open:
            return
        if error is not None:
            self._shown = None
            self._tell(str(error))
            return
        first = self._shown = read.result()
        self._told = ''
        header = Header(stamp=self._node.get_clock().now().to_msg())
        image = draw_numbered(first.image, first.candidates)
        if first.mark is not None:
            image = draw_mark(image, first.mark)
        self._publisher.publish(image_message(RclpyMessages(), image, 'rgb8', header))

    def _tell(self, reason: str) -> None:
        """Log once why no frame is published."""
        if reason != self._told:
            self._node.get_logger().info(f'{FRAMES}: {reason}')
            self._told = reason

    def _clicked(self, click: Point) -> None:
        shown = self._shown
        if shown is None:
            self._status.refused(CLICKS, f'no frame is shown; look at {FRAMES} and click in it')
            return
        height, width = shown.image.shape[:2]
        # rqt_image_view can round up to the pixel after the last one.
        pixel = click.x - (click.x == width), click.y - (click.y == height)
        marked = self._worker.submit(lambda owned: owned.mark(shown.name, pixel))
        marked.add_done_callback(self._marked)

    def _marked(self, marked: Future[UsedFrame]) -> None:
        error = marked.exception()
        if error is None:
            self._shown = marked.result()
        elif self._open:
            self._status.refused(CLICKS, str(error))


@dataclass(frozen=True, eq=False)
class StartedRecording:
    """A running recording.

    Attributes:
        name: name of the demonstration.
        maximum_duration: maximum seconds from the first to the last frame; 0: the value of the
            parameter.
        ended: future that is done when it has ended, with a DemonstrationError if it gave no
            demonstration.
    """

    name: str
    maximum_duration: float
    ended: Future[Summary] = field(default_factory=Future)


class DemonstrationRecorder:
    """A recorder of the topic `demonstration` between start and finish.

    Args:
        node: node that subscribes.
        parameters: parameters at the time of configuration.
        read_parameters: function that reads the current parameters.
        qos: quality of service of the topic.
        worker: worker that records.
        statistics: statistics, to which lost frames are reported.
        group: callback group of the subscription.
    """

    def __init__(
        self,
        node: Node,
        parameters: GroundingParameters,
        read_parameters: Callable[[], GroundingParameters],
        qos: QosParameters,
        worker: GroundingWorker[DemonstrationLibrary],
        statistics: GroundingStatistics,
        group: CallbackGroup,
    ) -> None:
        self._node = node
        self._read_parameters = read_parameters
        self._statistics = statistics
        self._worker = worker
        self._active = False
        self._accepting = False
        self._recording = 0
        self._current: StartedRecording | None = None
        self._dropped = self._lost_before = 0
        self._started = 0.0
        self._frames = TopicSubscription(
            node,
            'demonstration',
            IMAGE_KINDS[parameters.demonstration_type],
            qos.input_quality('demonstration'),
            self._arrived,
            group,
        )

    @property
    def watch(self) -> TopicWatch:
        """Watch of the subscription to frames."""
        return self._frames.watch

    def activate(self) -> None:
        """Permit recordings to start."""
        self._active = True

    def deactivate(self) -> None:
        """Accept no more frames, and drop an unfinished recording."""
        self._active = False
        self._cancel('the node was deactivated')

    def cancel(self, timeout: float, reason: str) -> None:
        """Drop the recording, if there is one, and wait until it is dropped.

        Args:
            timeout: maximum time to wait, in seconds.
            reason: reason for the log.
        """
        if self._accepting:
            wait([self._cancel(reason)], timeout)

    def destroy(self) -> None:
        """End the subscription."""
        self._active = self._accepting = False
        self._frames.destroy()

    def start(self, name: str, maximum_duration: float = 0.0) -> Future[StartedRecording]:
        """Start a recording.

        Args:
            name: name of the demonstration; empty: a name is generated.
            maximum_duration: see `StartedRecording`.
        """

        def begin(library: DemonstrationLibrary) -> StartedRecording:
            if not self._active:
                raise DemonstrationError(
                    'the node is not active; activate it before you record a demonstration'
                )
            chosen = library.start(name)
            self._dropped, self._lost_before = 0, self.watch.lost_count
            self._recording += 1
            self._started = time.monotonic()
            self._accepting = True
            self._current = StartedRecording(chosen, maximum_duration)
            return self._current

        return self._worker.submit(begin)

    def finish(self, recording: StartedRecording | None = None) -> Future[Summary]:
        """End a recording after its earlier frames are processed.

        Args:
            recording: recording to end, if it still runs; None: the running one.
        """
        if recording in (None, self._current):
            self._accepting = False

        def end(library: DemonstrationLibrary) -> Summary:
            if recording not in (None, self._current):
                raise DemonstrationError('the recording has ended')
            self._count_lost(library)
            return self._finish(library)

        return self._worker.submit(end, after_frames=True)

    def drop(self, recording: StartedRecording, reason: str) -> Future[None]:
        """Drop a recording, if it still runs.

        Args:
            recording: recording to drop.
            reason: reason for those who wait for it, and for the log.
        """
        if recording is self._current:
            self._accepting = False
        return self._worker.submit(lambda library: self._drop(library, recording, reason))

    def missing_frames(self) -> str:
        """Explain why a recording receives no frames; empty if it does, or none runs."""
        waited = min(time.monotonic() - self._started, self.watch.seconds_without_message)
        if not self._accepting or waited < _MISSING_AFTER:
            return ''
        reason = self.watch.problem() or f'no message has arrived for {waited:.1f} s'
        return f'a demonstration is being recorded, but {reason}'

    def _cancel(self, reason: str) -> Future[None]:
        self._accepting = False
        return self._worker.submit(lambda library: self._drop(library, self._current, reason))

    def _drop(
        self, library: DemonstrationLibrary, recording: StartedRecording | None, reason: str
    ) -> None:
        if recording is None or recording is not self._current:
            return
        self._current = None
        library.cancel(reason)
        error = f'the recording of {recording.name!r} was dropped: {reason}'
        recording.ended.set_exception(DemonstrationError(error))

    def _finish(self, library: DemonstrationLibrary, reason: str = '') -> Summary:
        recording, self._current = self._current, None
        try:
            summary = library.finish(reason)
        except Exception as error:
            if recording is not None:
                recording.ended.set_exception(error)
            raise
        if recording is not None:
            recording.ended.set_result(summary)
        return summary

    def _record(
        self,
        library: DemonstrationLibrary,
        message: Image | CompressedImage,
        seconds: float,
        recording: int,
    ) -> None:
        """Record a frame of a recording, by its number; called by the worker."""
        if not library.recording or recording != self._recording:
            return
        self._count_lost(library)
        try:
            library.add_frame(to_rgb(message), seconds)
        except ImageError as error:
            library.reject_frame(error)
            self._node.get_logger().warning(
                f'a frame of the demonstration was skipped: {error}', throttle_duration_sec=2.0
            )
            return
        limit = self._read_parameters().maximum_recording_seconds
        maximum = 0.0 if self._current is None else self._current.maximum_duration
        if library.recorded_seconds > limit:
            self._accepting = False
            self._finish(library, f'it was finished automatically after {limit:.0f} s')
        elif maximum and library.recorded_seconds >= maximum:
            self._accepting = False
            self._finish(library, f'its requested duration was {maximum:g} s')

    def _count_lost(self, library: DemonstrationLibrary) -> None:
        library.count_lost(self.watch.lost_count - self._lost_before, self._dropped)

    def _arrived(self, message: Image | CompressedImage) -> None:
        if not self._accepting:
            return
        stamp, number = message.header.stamp, self._recording
        # A frame without a stamp has the time of its arrival.
        seconds = float(stamp.sec + stamp.nanosec * 1e-9) or time.monotonic()
        if not self._worker.offer_frame(
            lambda library: self._record(library, message, seconds, number)
        ):
            self._dropped += 1
            self._statistics.count(Event.DROPPED)
            self._node.get_logger().warning(
                f'{self._dropped} frames of the demonstration were dropped: they arrive faster '
                'than they are encoded; send fewer per second or raise recording_queue',
                throttle_duration_sec=2.0,
            )
