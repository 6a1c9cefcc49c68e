# SPDX-License-Identifier: Apache-2.0
"""The configured grounding node: topics, services and worker, until the cleanup."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.geometry.camera import is_rectified
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.runtime.backends import GPU_BACKENDS
from afformer_core.stream.pipeline import GroundingPipeline, SpatialInputs
from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.actions.demonstration_actions import LoadAction, RecordAction
from afformer_ros.grounding.actions.ground_action import GroundAction
from afformer_ros.grounding.demonstrations.demonstration_services import (
    DemonstrationLoader,
    DemonstrationServices,
)
from afformer_ros.grounding.demonstrations.demonstration_topics import (
    DemonstrationFrame,
    DemonstrationRecorder,
    DemonstrationStatusPublisher,
)
from afformer_ros.grounding.frame_transforms import FrameTransforms
from afformer_ros.grounding.grounding_diagnostics import (
    ComponentStatus,
    GroundingDiagnostics,
    GroundingStatistics,
    topic_status,
)
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.grounding.image_grounding import GroundingPublisher, ImageGrounding
from afformer_ros.grounding.model_loader import ModelLoader
from afformer_ros.grounding.parameters import GroundingParameters, QosParameters
from afformer_ros.parameter_fields import read_parameters
from afformer_ros.rclpy_messages import RclpyMessages
from afformer_ros.topic_subscription import IMAGE_KINDS, TopicSubscription
from afformer_ros.transport_watch import TransportWatch

_BACKWARDS = JumpThreshold(
    min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
)
_CLOSED = 'the node was cleaned up or shut down'


class ConfiguredGrounding:
    """Topics, services and the worker of a configured node.

    Callbacks of the executor only store messages; the worker's thread processes them and
    publishes. The thread starts when everything is created.

    Args:
        node: node that owns them; parameters that may change at any time are read again for each
            image.
        parameters: parameters at the time of configuration.
        qos: quality of service of the topics.
        priority_lock: priority lock of results over callbacks.
        actions: actions of the node.
        transport: watch of the transport of messages.

    Attributes:
        loading_error: see `GroundingWorker`.
    """

    def __init__(
        self,
        node: LifecycleNode,
        parameters: GroundingParameters,
        qos: QosParameters,
        priority_lock: threading.Lock,
        actions: Mapping[str, ActionEndpoint],
        transport: TransportWatch,
    ) -> None:
        self._node = node
        self._transport = transport
        self._parameters = parameters
        self._live_parameters = partial(read_parameters, node, GroundingParameters)
        self._statistics = GroundingStatistics(parameters.latency_window)
        # Ages from before the jump are not valid after it.
        latency = self._statistics.latency
        self._jumps = node.get_clock().create_jump_callback(
            _BACKWARDS, post_callback=lambda jump: latency.clear()
        )
        self._worker: GroundingWorker[DemonstrationLibrary] = GroundingWorker(
            self._can_ground,
            partial(_report_failure, node, self._statistics),
            parameters.recording_queue,
        )
        self._status = DemonstrationStatusPublisher(node)
        self._publisher = GroundingPublisher(node, qos)
        self._transforms = FrameTransforms(
            node, parameters.target_frame, parameters.vertical_frame
        )
        self._ground_action = GroundAction(
            actions['ground_demonstration'],
            node,
            self._live_parameters,
            self._worker,
            self._transforms,
            self._why_nothing_is_published,
        )
        self._status.listeners.append(self._ground_action.demonstrations_changed)
        group = MutuallyExclusiveCallbackGroup()
        inputs = SpatialInputs(
            node.resolve_topic_name('depth'),
            node.resolve_topic_name('camera_info'),
            rectified=is_rectified(
                parameters.image_rectification, node.resolve_topic_name('image')
            ),
        )

        def subscribe(
            topic: str, kinds: Sequence[type], callback: Callable[[Any], None]
        ) -> TopicSubscription:
            quality = qos.input_quality(topic)
            return TopicSubscription(node, topic, kinds, quality, callback, group)

        self._depth = subscribe(
            'depth',
            IMAGE_KINDS[parameters.depth_type],
            lambda message: inputs.add_depth(stamp_nanoseconds(message.header.stamp), message),
        )
        self._camera_info = subscribe('camera_info', (CameraInfo,), inputs.add_camera_info)
        self._recorder = DemonstrationRecorder(
            node, parameters, self._live_parameters, qos, self._worker, self._statistics, group
        )
        self._loader = ModelLoader(node, parameters, self._worker.submit, self._status.changed)
        image_grounding = ImageGrounding(
            node,
            self._live_parameters,
            self._worker,
            GroundingPipeline(RclpyMessages(), inputs, self._transforms.placement),
            self._publisher,
            self._statistics,
            self._status,
            self._ground_action,
            priority_lock,
        )
        kinds = IMAGE_KINDS[parameters.image_type]
        self._images = subscribe('image', kinds, image_grounding.take)
        loader = DemonstrationLoader(self._worker, parameters.readable_folders)
        self._services = DemonstrationServices(
            node, self._recorder, self._worker, self._status, loader
        )
        self._frame = DemonstrationFrame(node, self._worker, self._status)
        self._record_action = RecordAction(
            actions['record_demonstration'], node, self._recorder, self._last_message
        )
        self._status.listeners.append(self._record_action.demonstrations_changed)
        self._load_action = LoadAction(
            actions['load_demonstration'], node, loader, self._last_message
        )
        self._diagnostics = GroundingDiagnostics(
            node, parameters.diagnostics_period, self._statuses
        )
        self.loading_error = self._worker.loading_error
        self._worker.loaded.add_done_callback(self._status.loading_ended)
        self._worker.start(self._loader.load)

    def activate(self) -> None:
        """Start to ground images and to accept demonstrations."""
        self._recorder.activate()
        self._worker.set_grounding(grounding=True)
        self._ground_action.activate()

    def deactivate(self) -> None:
        """Stop, and drop an unfinished recording."""
        self._ground_action.deactivate('the node was deactivated')
        self._worker.set_grounding(grounding=False)
        self._recorder.deactivate()

    def close(self, timeout: float) -> bool:
        """Remove everything; return whether the worker ended within the timeout in seconds."""
        begin = time.monotonic()
        self._ground_action.close(_CLOSED)
        self._worker.set_grounding(grounding=False)
        # The file of an unfinished recording is removed.
        self._recorder.cancel(timeout, 'the node ends')
        self._record_action.close(_CLOSED)
        ended = self._load_action.close(_CLOSED, max(0.0, begin + timeout - time.monotonic()))
        ended &= self._worker.stop(max(0.0, begin + timeout - time.monotonic()))
        self._loader.stop()
        self._jumps.unregister()
        self._diagnostics.destroy()
        self._services.destroy()
        self._frame.destroy()
        for subscription in (self._images, self._depth, self._camera_info):
            subscription.destroy()
        self._recorder.destroy()
        self._transforms.destroy()
        self._publisher.destroy()
        self._status.destroy()
        return ended

    def _last_message(self) -> str:
        return self._status.state.message

    def _can_ground(self, library: DemonstrationLibrary) -> bool:
        return bool(library.selected) or any(goal.names for goal in self._ground_action.goals[:1])

    def _statuses(self) -> Sequence[ComponentStatus]:
        latency = self._statistics.latency
        limit: float = self._node.get_parameter('maximum_latency').value
        state = self._status.state
        asked = bool(state.selected) or bool(self._ground_action.goals)
        needed = self._worker.grounding and asked
        depth_remark = self._statistics.depth_problem() if needed else ''
        deaf = self._transport.problem
        return (
            ComponentStatus(
                'grounding',
                self._worker.loading_error(0.0) or deaf,
                self._why_nothing_is_published(),
                'grounding',
                self._values(),
            ),
            topic_status('image', self._images.watch, needed=needed, deaf=deaf),
            topic_status('depth', self._depth.watch, needed=False, deaf=deaf, remark=depth_remark),
            topic_status('camera_info', self._camera_info.watch, needed=False, deaf=deaf),
            topic_status(
                'demonstration',
                self._recorder.watch,
                needed=False,
                deaf=deaf,
                remark=self._recorder.missing_frames(),
            ),
            ComponentStatus('transport', deaf, '', self._transport.state, {}),
            ComponentStatus('demonstrations', '', state.problem, f'kept: {len(state.names)}', {}),
            ComponentStatus(
                'transform', self._transforms.problem, '', self._transforms.status, {}
            ),
            ComponentStatus('latency', '', latency.problem(limit), 'in time', latency.values()),
            *self._model_statuses(),
        )

    def _model_statuses(self) -> Iterator[ComponentStatus]:
        """Report the status of presence, and of the GPU if one is requested."""
        loader, backend = self._loader, self._backend
        if (grounder := loader.grounder) is not None:
            problem = grounder.calibration_problem
            calibrated = grounder.calibrations.presence
            status = 'calibrated' if calibrated else 'unknown, the model is not calibrated'
            yield ComponentStatus('presence', '', problem, status, {})
        if self._parameters.backend in GPU_BACKENDS:
            status, problem = f'{backend} computes', ''
            if loader.engine_build is not None:
                status, problem = loader.engine_build.status, loader.engine_build.problem
            yield ComponentStatus('gpu', '', loader.loss or problem, status, {'backend': backend})

    @property
    def _backend(self) -> str:
        """Active backend; empty until the model is loaded."""
        grounder = self._loader.grounder
        return '' if grounder is None else grounder.backend

    def _values(self) -> dict[str, str]:
        return {
            'backend': self._backend,
            'model': self._parameters.model or 'shipped',
            'selected demonstration': self._status.state.selected,
            'demonstrations': str(len(self._status.state.names)),
            'demonstration status': self._status.state.message,
            'open goals of ground_demonstration': str(len(self._ground_action.goals)),
            'demonstrations not read': '; '.join(self._loader.problems),
            **self._statistics.values(),
        }

    def _why_nothing_is_published(self) -> str:
        if not self._worker.loaded.done():
            return 'the model is being loaded'
        if not self._worker.grounding:
            return 'the node is not active'
        if not self._status.state.selected and not self._ground_action.goals:
            return self._recorder.missing_frames() or self._status.state.message
        return (
            self._transport.problem
            or self._statistics.refusal()
            or self._recorder.missing_frames()
            or self._images.watch.problem()
        )


def _report_failure(node: Node, statistics: GroundingStatistics, error: Exception) -> None:
    if node.context.ok():
        reason = f'{type(error).__name__}: {error}'
        statistics.image_refused(reason)
        node.get_logger().error(reason, throttle_duration_sec=2.0)
