# SPDX-License-Identifier: Apache-2.0
"""Grounding of one camera image by the worker, from its message to the published result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.errors import ImageError
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.outputs.outputs import Placement
from afformer_core.stream.grounding_stream import GroundingStream
from afformer_core.stream.results import CameraFrame, StreamedGrounding
from afformer_ros.grounding.frame_transforms import FrameTransforms
from afformer_ros.grounding.grounding_publisher import GroundingPublisher
from afformer_ros.grounding.grounding_statistics import GroundingStatistics, StageTimes
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.grounding.spatial_inputs import SpatialInputs
from afformer_ros.service_pool_executor import RightOfWay
from afformer_ros.stamps import stamp_age, stamp_nanoseconds


@dataclass(frozen=True)
class ImageArrival:
    """An image message and when it came.

    Attributes:
        message: the image.
        received: monotonic seconds.
        age: seconds since its stamp by the node's clock, when it came.
        topic: that it came on.
        expected_depth: keeps the depth of the image as long as this lives.
    """

    message: Image | CompressedImage
    received: float
    age: float
    topic: str
    expected_depth: object


class ImageGrounding:
    """Grounds image messages and publishes what comes out; called by the worker alone.

    Args:
        node: whose clock and log are used.
        read_parameters: the parameters as they are now.
        spatial: depth and calibration.
        transforms: where positions are published.
        publisher: of the results.
        statistics: told of each image.
        permitted: whether results may still be published.
        right_of_way: taken while a result is made of what the model says, and published.
    """

    def __init__(
        self,
        node: Node,
        read_parameters: Callable[[], GroundingParameters],
        spatial: SpatialInputs,
        transforms: FrameTransforms,
        publisher: GroundingPublisher,
        statistics: GroundingStatistics,
        permitted: Callable[[], bool],
        right_of_way: RightOfWay,
    ) -> None:
        self._node = node
        self._read_parameters = read_parameters
        self._spatial = spatial
        self._transforms = transforms
        self._publisher = publisher
        self._statistics = statistics
        self._permitted = permitted
        self._right_of_way = right_of_way
        self._stream = GroundingStream()
        self._revision = 0
        self._measured_in = Placement('')

    def __call__(self, library: DemonstrationLibrary, arrival: ImageArrival) -> None:
        """Ground one image."""
        begin = time.monotonic()
        parameters = self._read_parameters()
        try:
            frame = _camera_frame(arrival)
        except ImageError as error:
            self._statistics.image_refused(str(error))
            self._node.get_logger().warning(
                f'an image was left out: {error}', throttle_duration_sec=5.0
            )
            return
        converted = time.monotonic()
        prediction = library.predict(frame.image)
        rectified = _is_rectified(parameters.image_rectification, arrival.topic)
        # Both may wait for a message, and callbacks that bring it are not kept from it.
        view = self._spatial.view(frame, rectified, parameters)
        placement = self._transforms.placement(arrival.message.header)
        with self._right_of_way:
            if library.revision != self._revision:
                self._revision = library.revision
                self._stream.begin_anew('another demonstration')
            result = self._stream.ground(
                frame, prediction, library.selected, view, parameters.stream_settings
            )
            located = time.monotonic()
            if not self._permitted():
                return
            self._publish(arrival, frame, result, self._placement(result, placement), parameters)
            published = time.monotonic()
        self._statistics.grounding_published(
            result,
            StageTimes(
                age_at_arrival=arrival.age,
                wait=begin - arrival.received,
                preprocess=converted - begin,
                ground=prediction.seconds,
                postprocess=located - converted - prediction.seconds,
                publish=published - located,
                overhead=published - begin - prediction.seconds,
                end_to_end=stamp_age(self._node, arrival.message.header.stamp),
            ),
        )

    def _placement(self, result: StreamedGrounding, current: Placement) -> Placement:
        """Where the camera was when the positions were measured."""
        if not result.held:
            self._measured_in = current
        return self._measured_in

    def _publish(
        self,
        arrival: ImageArrival,
        frame: CameraFrame,
        result: StreamedGrounding,
        placement: Placement,
        parameters: GroundingParameters,
    ) -> None:
        header = arrival.message.header
        settings = parameters.output_settings
        self._publisher.publish(frame, header, result, placement, settings)


def _camera_frame(arrival: ImageArrival) -> CameraFrame:
    header = arrival.message.header
    return CameraFrame(to_rgb(arrival.message), stamp_nanoseconds(header.stamp), header.frame_id)


def _is_rectified(rectification: str, topic: str) -> bool:
    """Whether distortion is undone already; by convention such topics begin with image_rect."""
    if rectification == 'auto':
        return any(part.startswith('image_rect') for part in topic.split('/'))
    return rectification == 'rectified'
