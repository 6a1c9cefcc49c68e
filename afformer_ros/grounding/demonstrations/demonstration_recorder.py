# SPDX-License-Identifier: Apache-2.0
"""The recorder of a demonstration, which passes frames from its topic to the worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.state import Summary
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.messages.image_decoding import to_rgb
from afformer_ros.grounding.grounding_statistics import Event, GroundingStatistics
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.quality_of_service import QosParameters
from afformer_ros.topic_subscription import IMAGE_KINDS, TopicSubscription
from afformer_ros.topic_watch import TopicWatch

_MISSING_AFTER = 2.0


@dataclass(frozen=True)
class FrameArrival:
    """The message of a frame, its arrival in monotonic seconds, and its recording."""

    message: Image | CompressedImage
    received: float
    recording: int

    @property
    def seconds(self) -> float:
        """Time of the frame: its stamp or, if it has none, its arrival."""
        stamp = self.message.header.stamp
        return float(stamp.sec + stamp.nanosec * 1e-9) or self.received


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

    def _record(self, library: DemonstrationLibrary, arrival: FrameArrival) -> None:
        """Record one frame; called by the worker."""
        if not library.recording or arrival.recording != self._recording:
            return
        self._count_lost(library)
        try:
            library.add_frame(to_rgb(arrival.message), arrival.seconds)
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
        arrival = FrameArrival(message, time.monotonic(), self._recording)
        if not self._worker.offer_frame(lambda library: self._record(library, arrival)):
            self._dropped += 1
            self._statistics.count(Event.DROPPED)
            self._node.get_logger().warning(
                f'{self._dropped} frames of the demonstration were dropped: they arrive faster '
                'than they are encoded; send fewer per second or raise recording_queue',
                throttle_duration_sec=2.0,
            )
