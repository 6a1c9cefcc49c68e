# SPDX-License-Identifier: Apache-2.0
"""Subscriptions of the grounding node to depth and camera_info."""

from __future__ import annotations

import time
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo

from afformer_core.errors import ImageError
from afformer_core.geometry.calibration import Calibration, CalibrationError
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.messages.depth_decoding import to_depth
from afformer_core.stream.depth_buffer import DepthBuffer
from afformer_core.stream.results import CameraFrame, SpatialView
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.image_subscription import ImageSubscription
from afformer_ros.quality_of_service import QosParameters
from afformer_ros.stamps import ANOTHER_CLOCK, stamp_nanoseconds
from afformer_ros.topic_subscription import TopicSubscription
from afformer_ros.topic_watch import TopicWatch

# Depth messages that may come before the image that they belong to: of 0.3 s at 90 Hz. From the
# arrival of the image on, its depth is kept by `expect`.
_CAPACITY = 32
# After depth did not come in time, images do not wait for it for so many seconds.
_IMPATIENCE = 1.0
_RECENT = 1.0


class SpatialInputs:
    """Depth and camera_info, matched to images by their stamps.

    Args:
        node: that subscribes.
        parameters: as they are at the configuration.
        qos: of the topics.
        group: in which messages are taken.
    """

    def __init__(
        self,
        node: Node,
        parameters: GroundingParameters,
        qos: QosParameters,
        group: CallbackGroup,
    ) -> None:
        self._buffer: DepthBuffer[Any] = DepthBuffer(_CAPACITY)
        self._camera_info: Any = None
        self._impatient_until = 0.0
        self.problem = ''
        self._depth = ImageSubscription(
            node,
            'depth',
            parameters.depth_type,
            qos.input_quality('depth'),
            self._depth_arrived,
            group,
        )
        self._calibration = TopicSubscription(
            node,
            'camera_info',
            (CameraInfo,),
            qos.input_quality('camera_info'),
            self._camera_info_arrived,
            group,
        )

    @property
    def depth_watch(self) -> TopicWatch:
        """What comes of depth."""
        return self._depth.watch

    @property
    def camera_info_watch(self) -> TopicWatch:
        """What comes of camera_info."""
        return self._calibration.watch

    def destroy(self) -> None:
        """End the subscriptions."""
        self._depth.destroy()
        self._calibration.destroy()

    def expect(self, stamp: int) -> object:
        """Keep the depth of an image that will be grounded, however long that takes.

        Args:
            stamp: of the image, nanoseconds.

        Returns:
            what keeps it for as long as it lives.
        """
        return self._buffer.expect(stamp)

    def view(
        self, frame: CameraFrame, rectified: bool, parameters: GroundingParameters
    ) -> SpatialView:
        """What is known of the space that an image shows; may wait for its depth.

        Args:
            frame: the image.
            rectified: whether its distortion is undone already.
            parameters: as they are now.
        """
        depth, calibration, problem = None, None, ''
        try:
            depth = self._depth_of(frame, parameters)
            calibration = self._calibration_of(rectified)
        except (ImageError, CalibrationError) as error:
            problem = str(error)
        self.problem = problem
        return SpatialView(depth, calibration, problem)

    def _depth_of(self, frame: CameraFrame, parameters: GroundingParameters) -> DepthImage:
        tolerance = round(parameters.depth_tolerance * 1e9)
        now = time.monotonic()
        comes = self.depth_watch.silence < _RECENT
        patience = parameters.depth_wait if comes and now >= self._impatient_until else 0.0
        if not self._buffer.wait(frame.stamp, patience) and patience:
            self._impatient_until = time.monotonic() + _IMPATIENCE
        message = self._buffer.nearest(frame.stamp, tolerance)
        if message is not None:
            return to_depth(message)
        lag = self._buffer.lag(frame.stamp)
        if lag is None:
            raise ImageError(f'no depth has arrived on {self._depth.topic_name}')
        if abs(lag) > ANOTHER_CLOCK:
            raise ImageError(
                f'the stamps of {self._depth.topic_name} are {abs(lag):.0f} s away from those of '
                'the images: they are of another clock; have both stamped by the same one'
            )
        older = 'older' if lag > 0 else 'newer'
        raise ImageError(
            f'no depth within {1000 * parameters.depth_tolerance:.0f} ms of the image; the '
            f'nearest on {self._depth.topic_name} is {1000 * abs(lag):.0f} ms {older}'
        )

    def _calibration_of(self, rectified: bool) -> Calibration:
        if self._camera_info is None:
            raise CalibrationError(f'no camera_info has arrived on {self._calibration.topic_name}')
        return Calibration.from_message(self._camera_info, rectified)

    def _depth_arrived(self, message: Any) -> None:
        self._buffer.add(stamp_nanoseconds(message.header.stamp), message)

    def _camera_info_arrived(self, message: CameraInfo) -> None:
        self._camera_info = message
