# SPDX-License-Identifier: Apache-2.0
"""Everything that the grounding node holds between its configuration and its cleanup."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

# rclpy.clock_type, where the type lives now, does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image

from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.runtime import Grounder, shipped_model_folder
from afformer_core.runtime.demonstration_store import DemonstrationStore
from afformer_ros.demonstration_services import DemonstrationServices
from afformer_ros.demonstrations import Demonstrations, DemonstrationState, Phase, Summary
from afformer_ros.garbage import keep_what_lives
from afformer_ros.grounding_diagnostics import GroundingStatistics, StageTimes, diagnostic_status
from afformer_ros.grounding_publisher import GroundingPublisher
from afformer_ros.grounding_worker import GroundingWorker
from afformer_ros.image_conversion import to_rgb
from afformer_ros.image_subscription import ImageSubscription
from afformer_ros.parameters import GroundingParameters

_LOADING = DemonstrationState(Phase.IDLE, '', '', (), 0, 0, 0.0, 'the model is being loaded')


@dataclass(frozen=True)
class _Arrival:
    """A message and when it came, in monotonic seconds; of a frame also its recording."""

    message: Image | CompressedImage
    received: float
    recording: int = 0


class GroundingSession:
    """Topics, services and the worker of a configured node.

    Callbacks of the executor only store what arrives; the worker's thread does the rest and
    publishes.

    Args:
        node: that owns them; its parameters that may change at any time are read anew for each
            image.
        parameters: as they are at the configuration.
    """

    def __init__(self, node: LifecycleNode, parameters: GroundingParameters) -> None:
        self._node = node
        self._parameters = parameters
        self._statistics = GroundingStatistics()
        self._state = _LOADING
        self._active = False
        self._accepting = False
        self._recording = 0
        self._dropped = 0
        self._backend = ''
        self._problems: tuple[str, ...] = ()
        self._publisher = GroundingPublisher(node)
        self._publisher.publish_state(self._state)
        self._worker = GroundingWorker(
            self._load,
            self._record,
            self._ground,
            lambda owned: bool(owned.selected),
            self._handler_failed,
            parameters.recording_queue,
        )
        self._worker.loaded.add_done_callback(self._loading_ended)
        self._images = ImageSubscription(
            node,
            'image',
            parameters.image_type,
            parameters.image_qos,
            self._image_arrived,
            MutuallyExclusiveCallbackGroup(),
        )
        self._frames = ImageSubscription(
            node,
            'demonstration',
            parameters.demonstration_type,
            parameters.demonstration_qos,
            self._frame_arrived,
            MutuallyExclusiveCallbackGroup(),
        )
        self._services = DemonstrationServices(node, self, parameters.readable_folders)
        self._diagnostics: Any = node.create_publisher(DiagnosticArray, '/diagnostics', 1)
        # A simulation that stands still must not silence the diagnostics.
        self._timer = node.create_timer(
            parameters.diagnostics_period,
            self._publish_diagnostics,
            MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def loading_error(self, timeout: float) -> str:
        """Why the model could not be loaded; empty where it was, or still is being loaded.

        Args:
            timeout: seconds to wait for it.
        """
        try:
            error = self._worker.loaded.exception(timeout)
        except FutureTimeoutError:
            return ''
        return '' if error is None else str(error) or type(error).__name__

    def activate(self) -> None:
        """Ground images and take demonstrations from now on."""
        self._active = True
        self._worker.set_grounding(True)

    def deactivate(self) -> None:
        """Stop; a recording that was not finished is dropped."""
        self._active = self._accepting = False
        self._worker.set_grounding(False)
        self._worker.submit(lambda owned: owned.cancel('the node was deactivated'))

    def close(self, timeout: float) -> bool:
        """Remove everything; whether the worker ended within the timeout, in seconds."""
        self._active = self._accepting = False
        ended = self._worker.stop(timeout)
        self._node.destroy_timer(self._timer)
        self._services.destroy()
        self._images.destroy()
        self._frames.destroy()
        self._node.destroy_publisher(self._diagnostics)
        self._publisher.destroy()
        return ended

    def start_recording(self, name: str) -> Future[str]:
        """Begin to record; gives the name."""

        def begin(owned: Demonstrations) -> str:
            if not self._active:
                raise DemonstrationError(
                    'the node is not active; activate it before a demonstration is recorded'
                )
            chosen = owned.start(name)
            self._dropped = 0
            self._recording += 1
            self._accepting = True
            return chosen

        return self._worker.submit(begin)

    def finish_recording(self) -> Future[Summary]:
        """End the recording after the frames that came before."""
        self._accepting = False
        return self._worker.submit(lambda owned: owned.finish(self._dropped), after_frames=True)

    def submit(self, command: Callable[[Demonstrations], Any]) -> Future[Any]:
        """Have a command done by the worker."""
        return self._worker.submit(command)

    def demonstration_state(self, timeout: float) -> DemonstrationState:
        """The last known state, once the model is loaded or the timeout in seconds is over."""
        self.loading_error(timeout)
        return self._state

    def _load(self) -> Demonstrations:
        parameters = self._parameters
        folder = Path(parameters.model).expanduser() if parameters.model else None
        begin = time.monotonic()
        grounder = Grounder.load(
            folder or shipped_model_folder(), parameters.backend, parameters.threads
        )
        store = DemonstrationStore(parameters.store_path)
        demonstrations = Demonstrations(grounder, store, self._demonstrations_changed)
        self._backend, self._problems = grounder.backend, demonstrations.problems
        for problem in self._problems:
            self._node.get_logger().error(problem)
        if parameters.selected_demonstration:
            demonstrations.select(parameters.selected_demonstration)
        self._demonstrations_changed(demonstrations.state())
        keep_what_lives()
        self._node.get_logger().info(
            f'model loaded with {grounder.backend} in {time.monotonic() - begin:.1f} s; '
            f'{len(self._state.names)} demonstrations in {store.folder}'
        )
        return demonstrations

    def _loading_ended(self, loaded: Future[None]) -> None:
        error = loaded.exception()
        if error is not None and not self._node.context.ok():
            return
        if error is not None:
            self._node.get_logger().error(f'the model cannot be used: {error}')
            self._demonstrations_changed(
                DemonstrationState(Phase.FAILED, '', '', (), 0, 0, 0.0, str(error))
            )

    def _demonstrations_changed(self, state: DemonstrationState) -> None:
        self._state = state
        self._publisher.publish_state(state)

    def _image_arrived(self, message: Image | CompressedImage) -> None:
        if self._active:
            replaced = self._worker.offer_image(_Arrival(message, time.monotonic()))
            self._statistics.image_received(replaced and bool(self._state.selected))

    def _frame_arrived(self, message: Image | CompressedImage) -> None:
        if not self._accepting:
            return
        if not self._worker.offer_frame(_Arrival(message, time.monotonic(), self._recording)):
            self._dropped += 1
            self._statistics.frame_dropped()
            self._node.get_logger().warning(
                f'{self._dropped} frames of the demonstration were dropped: they come faster than '
                'they are encoded; send fewer a second or raise recording_queue',
                throttle_duration_sec=2.0,
            )

    def _record(self, owned: Demonstrations, arrival: _Arrival) -> None:
        if not owned.recording or arrival.recording != self._recording:
            return
        try:
            owned.add_frame(to_rgb(arrival.message), _seconds(arrival))
        except ImageError as error:
            owned.reject_frame(error)
            self._node.get_logger().warning(
                f'a frame of the demonstration was left out: {error}', throttle_duration_sec=2.0
            )
            return
        limit = self._live_parameters().maximum_recording_seconds
        if owned.recorded_seconds > limit:
            self._accepting = False
            owned.finish(self._dropped, f'it was finished by itself after {limit:.0f} s')

    def _ground(self, owned: Demonstrations, arrival: _Arrival) -> None:
        begin = time.monotonic()
        try:
            image = to_rgb(arrival.message)
        except ImageError as error:
            self._statistics.image_refused(str(error))
            self._node.get_logger().warning(
                f'an image was left out: {error}', throttle_duration_sec=5.0
            )
            return
        converted = time.monotonic()
        parameters = self._live_parameters()
        grounding = owned.ground(image, parameters.maximum_peaks)
        grounded = time.monotonic()
        if self._worker.stopping or not self._active:
            return
        header = arrival.message.header
        self._publisher.publish_grounding(header, image, owned.selected, grounding, parameters)
        end = time.monotonic()
        age = self._node.get_clock().now() - Time.from_msg(
            header.stamp, self._node.get_clock().clock_type
        )
        self._statistics.grounding_published(
            StageTimes(
                wait=begin - arrival.received,
                convert=converted - begin,
                ground=grounded - converted,
                publish=end - grounded,
                age=age.nanoseconds * 1e-9,
            )
        )

    def _live_parameters(self) -> GroundingParameters:
        return GroundingParameters.read(self._node)

    def _handler_failed(self, error: Exception) -> None:
        if not self._worker.stopping and self._node.context.ok():
            self._statistics.image_refused(f'{type(error).__name__}: {error}')
            self._node.get_logger().error(
                f'{type(error).__name__}: {error}', throttle_duration_sec=2.0
            )

    def _publish_diagnostics(self) -> None:
        values = {
            'backend': self._backend,
            'model': self._parameters.model or 'shipped',
            'selected demonstration': self._state.selected,
            'demonstrations': str(len(self._state.names)),
            'demonstration status': self._state.message,
            'damaged demonstrations': '; '.join(self._problems),
            **self._statistics.values(),
        }
        array = DiagnosticArray()
        array.header.stamp = self._node.get_clock().now().to_msg()
        array.status = [
            diagnostic_status(
                f'{self._node.get_name()}: grounding',
                self._node.get_fully_qualified_name(),
                self.loading_error(0.0),
                self._why_nothing_is_published(),
                values,
            )
        ]
        self._diagnostics.publish(array)

    def _why_nothing_is_published(self) -> str:
        if not self._worker.loaded.done():
            return 'the model is being loaded'
        if not self._active:
            return 'the node is not active'
        if not self._state.selected:
            return self._state.message
        return self._statistics.image_problem(
            self._images.topic_name, self._images.publisher_count
        )


def _seconds(arrival: _Arrival) -> float:
    stamp = arrival.message.header.stamp
    return float(stamp.sec + stamp.nanosec * 1e-9) or arrival.received
