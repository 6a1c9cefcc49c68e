# SPDX-License-Identifier: Apache-2.0
"""Grounding of the camera images of the node, from their arrival to the published results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.errors import ImageError
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.stream.pipeline import GroundingPipeline
from afformer_core.stream.spatial_inputs import SpatialInputs
from afformer_ros.grounding.grounding_publisher import GroundingPublisher
from afformer_ros.grounding.grounding_statistics import GroundingStatistics, StageTimes
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.service_pool_executor import PriorityLock


@dataclass(frozen=True)
class _Arrival:
    """An image message and when it came.

    Attributes:
        message: the image.
        received: monotonic seconds.
        age: seconds since its stamp by the node's clock, when it came.
        expected_depth: keeps the depth of the image as long as this lives.
    """

    message: Image | CompressedImage
    received: float
    age: float
    expected_depth: object


class ImageGrounding:
    """Has the worker ground the newest image, and publishes what comes out.

    Args:
        node: whose clock and log are used.
        read_parameters: the parameters as they are now.
        worker: that owns the demonstrations.
        spatial: keeps the depth of images that wait.
        pipeline: from an image to its result; used in the worker's thread alone.
        publisher: of the results.
        statistics: told of each image.
        priority_lock: held while a result is made of what the model says, and published.
    """

    def __init__(
        self,
        node: Node,
        read_parameters: Callable[[], GroundingParameters],
        worker: GroundingWorker[DemonstrationLibrary],
        spatial: SpatialInputs,
        pipeline: GroundingPipeline,
        publisher: GroundingPublisher,
        statistics: GroundingStatistics,
        priority_lock: PriorityLock,
    ) -> None:
        self._node = node
        self._read_parameters = read_parameters
        self._worker = worker
        self._spatial = spatial
        self._pipeline = pipeline
        self._publisher = publisher
        self._statistics = statistics
        self._priority_lock = priority_lock
        self._topic = node.resolve_topic_name('image')
        self._revision = 0

    def take(self, message: Image | CompressedImage) -> bool:
        """Have an image grounded in its turn; whether it replaces one that was not."""
        if not self._worker.grounding:
            return False
        if not self._publisher.expected and self._read_parameters().lazy:
            self._statistics.image_ignored()
            return False
        stamp = message.header.stamp
        arrival = _Arrival(
            message,
            received=time.monotonic(),
            age=self._age(stamp),
            expected_depth=self._spatial.expect(stamp_nanoseconds(stamp)),
        )
        return self._worker.offer_image(lambda library: self._ground(library, arrival))

    def _ground(self, library: DemonstrationLibrary, arrival: _Arrival) -> None:
        """Ground an image; called by the worker."""
        begin = time.monotonic()
        settings = self._read_parameters().pipeline_settings(self._topic)
        if library.revision != self._revision:
            self._revision = library.revision
            self._pipeline.begin_anew('another demonstration')
        try:
            observed = self._pipeline.observe(arrival.message, library.predict, settings)
        except ImageError as error:
            self._statistics.image_refused(str(error))
            self._node.get_logger().warning(
                f'an image was left out: {error}', throttle_duration_sec=5.0
            )
            return
        with self._priority_lock:
            composed = self._pipeline.compose(observed, library.selected, settings)
            if not self._worker.grounding:
                return
            self._publisher.publish(composed.messages)
            published = time.monotonic()
        in_model = observed.prediction.seconds
        self._statistics.grounding_published(
            composed.result,
            StageTimes(
                age_at_arrival=arrival.age,
                wait=begin - arrival.received,
                preprocess=observed.decoded - begin,
                ground=in_model,
                postprocess=composed.composed - observed.decoded - in_model,
                publish=published - composed.composed,
                overhead=published - begin - in_model,
                end_to_end=self._age(arrival.message.header.stamp),
            ),
        )

    def _age(self, stamp: Time) -> float:
        """Seconds since a stamp by the clock of the node; negative where it lies ahead."""
        now = self._node.get_clock().now().nanoseconds
        return float((now - stamp_nanoseconds(stamp)) * 1e-9)
