# SPDX-License-Identifier: Apache-2.0
"""The configured grounding node: its topics, services and worker, until its cleanup."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CompressedImage, Image

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.state import DemonstrationState, Phase, Summary
from afformer_ros.grounding.demonstration_log import DemonstrationLog
from afformer_ros.grounding.demonstration_recorder import DemonstrationRecorder
from afformer_ros.grounding.demonstration_services import DemonstrationServices
from afformer_ros.grounding.frame_transforms import FrameTransforms
from afformer_ros.grounding.grounding_diagnostics import (
    Finding,
    GroundingDiagnostics,
    topic_finding,
)
from afformer_ros.grounding.grounding_publisher import GroundingPublisher
from afformer_ros.grounding.grounding_statistics import GroundingStatistics
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.grounding.image_grounding import ImageArrival, ImageGrounding
from afformer_ros.grounding.model_loader import ModelLoader
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.grounding.spatial_inputs import SpatialInputs
from afformer_ros.image_subscription import ImageSubscription
from afformer_ros.parameter_fields import read_parameters
from afformer_ros.quality_of_service import QosParameters
from afformer_ros.service_pool_executor import RightOfWay
from afformer_ros.stamps import stamp_age, stamp_nanoseconds

_BACKWARDS = JumpThreshold(
    min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
)
_LOADING = DemonstrationState(
    Phase.IDLE, '', '', (), 0, 0, 0.0, message='the model is being loaded'
)


class GroundingSession:
    """Topics, services and the worker of a configured node.

    Callbacks of the executor only store what arrives; the worker's thread does the rest and
    publishes.

    Args:
        node: that owns them; its parameters that may change at any time are read anew for each
            image.
        parameters: as they are at the configuration.
        qos: of the topics.
        right_of_way: of results over callbacks.
    """

    def __init__(
        self,
        node: LifecycleNode,
        parameters: GroundingParameters,
        qos: QosParameters,
        right_of_way: RightOfWay,
    ) -> None:
        self._node = node
        self._parameters = parameters
        self._statistics = GroundingStatistics(parameters.latency_window)
        # What is older or newer by the time before the jump is neither by the time after it.
        self._jumps = node.get_clock().create_jump_callback(
            _BACKWARDS, post_callback=lambda jump: self._statistics.latency.clear()
        )
        self._state = _LOADING
        self._demonstration_log = DemonstrationLog(node.get_logger())
        self._active = False
        self._publisher = GroundingPublisher(node, qos)
        self._publisher.publish_state(self._state)
        self._transforms = FrameTransforms(node, parameters.target_frame)
        group = MutuallyExclusiveCallbackGroup()
        self._spatial = SpatialInputs(node, parameters, qos, group)
        self._recorder = DemonstrationRecorder(
            node, parameters, self._live_parameters, qos, self._statistics, group
        )
        self._loader = ModelLoader(node, parameters, self.submit, self._demonstrations_changed)
        self._worker = GroundingWorker(
            self._loader.load,
            self._recorder.record,
            ImageGrounding(
                node,
                self._live_parameters,
                self._spatial,
                self._transforms,
                self._publisher,
                self._statistics,
                lambda: self._active and not self._worker.stopping,
                right_of_way,
            ),
            lambda library: bool(library.selected),
            self._handler_failed,
            parameters.recording_queue,
        )
        self._recorder.use(self._worker)
        self._worker.loaded.add_done_callback(self._loading_ended)
        self._images = ImageSubscription(
            node,
            'image',
            parameters.image_type,
            qos.input_quality('image'),
            self._image_arrived,
            group,
        )
        self._services = DemonstrationServices(
            node, self, parameters.readable_folders, self._demonstration_log
        )
        self._diagnostics = GroundingDiagnostics(
            node, parameters.diagnostics_period, self._findings
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
        self._recorder.activate()
        self._worker.set_grounding(True)

    def deactivate(self) -> None:
        """Stop; a recording that was not finished is dropped."""
        self._active = False
        self._worker.set_grounding(False)
        self._recorder.deactivate()

    def close(self, timeout: float) -> bool:
        """Remove everything; whether the worker ended within the timeout, in seconds."""
        begin = time.monotonic()
        self._active = False
        # What an unfinished recording has written is removed.
        self._recorder.cancel(timeout, 'the node ends')
        ended = self._worker.stop(max(0.0, begin + timeout - time.monotonic()))
        self._loader.stop()
        self._jumps.unregister()
        self._diagnostics.destroy()
        self._services.destroy()
        self._images.destroy()
        self._recorder.destroy()
        self._spatial.destroy()
        self._transforms.destroy()
        self._publisher.destroy()
        return ended

    def start_recording(self, name: str) -> Future[str]:
        """Begin to record; gives the name."""
        return self._recorder.start(name)

    def finish_recording(self) -> Future[Summary]:
        """End the recording after the frames that came before."""
        return self._recorder.finish()

    def submit(self, command: Callable[[DemonstrationLibrary], Any]) -> Future[Any]:
        """Have a command done by the worker."""
        return self._worker.submit(command)

    def demonstration_state(self, timeout: float) -> DemonstrationState:
        """The last known state, once the model is loaded or the timeout in seconds is over."""
        self.loading_error(timeout)
        return self._state

    def _loading_ended(self, loaded: Future[None]) -> None:
        error = loaded.exception()
        if error is not None and self._node.context.ok():
            self._node.get_logger().error(f'the model cannot be used: {error}')
            self._demonstrations_changed(
                DemonstrationState(Phase.FAILED, '', '', (), 0, 0, 0.0, message=str(error))
            )

    def _demonstrations_changed(self, state: DemonstrationState) -> None:
        self._state = state
        self._publisher.publish_state(state)
        if self._node.context.ok():
            self._demonstration_log.changed(state)

    def _image_arrived(self, message: Image | CompressedImage) -> None:
        if not self._active:
            return
        if not self._publisher.wanted and self._live_parameters().lazy:
            self._statistics.image_ignored()
            return
        stamp = message.header.stamp
        arrival = ImageArrival(
            message,
            received=time.monotonic(),
            age=stamp_age(self._node, stamp),
            topic=self._images.topic_name,
            expected_depth=self._spatial.expect(stamp_nanoseconds(stamp)),
        )
        if self._worker.offer_image(arrival) and self._state.selected:
            self._statistics.image_replaced()

    def _live_parameters(self) -> GroundingParameters:
        return read_parameters(self._node, GroundingParameters)

    def _handler_failed(self, error: Exception) -> None:
        if not self._worker.stopping and self._node.context.ok():
            self._statistics.image_refused(f'{type(error).__name__}: {error}')
            self._node.get_logger().error(
                f'{type(error).__name__}: {error}', throttle_duration_sec=2.0
            )

    def _findings(self) -> Sequence[Finding]:
        latency, limit = self._statistics.latency, self._live_parameters().maximum_latency
        needed = self._active and bool(self._state.selected)
        depth_remark = self._statistics.depth_problem() if needed else ''
        return (
            Finding(
                'grounding',
                self.loading_error(0.0),
                self._why_nothing_is_published(),
                'grounding',
                self._values(),
            ),
            topic_finding('image', self._images.watch, needed),
            topic_finding('depth', self._spatial.depth_watch, False, depth_remark),
            topic_finding('camera_info', self._spatial.camera_info_watch, False),
            topic_finding('demonstration', self._recorder.watch, False, self._recorder.silence()),
            Finding(
                'demonstrations', '', self._state.problem, f'{len(self._state.names)} are kept', {}
            ),
            Finding('transform', self._transforms.problem, '', 'not needed or known', {}),
            Finding('latency', '', latency.problem(limit), 'in time', latency.values()),
            *self._loader.findings(),
        )

    def _values(self) -> dict[str, str]:
        return {
            'backend': self._loader.backend,
            'model': self._parameters.model or 'shipped',
            'selected demonstration': self._state.selected,
            'demonstrations': str(len(self._state.names)),
            'demonstration status': self._state.message,
            'demonstrations not read': '; '.join(self._loader.problems),
            **self._statistics.values(),
        }

    def _why_nothing_is_published(self) -> str:
        if not self._worker.loaded.done():
            return 'the model is being loaded'
        if not self._active:
            return 'the node is not active'
        if not self._state.selected:
            return self._recorder.silence() or self._state.message
        return (
            self._statistics.refusal() or self._recorder.silence() or self._images.watch.problem()
        )
