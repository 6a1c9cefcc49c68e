# SPDX-License-Identifier: Apache-2.0
"""The first frame of the selected demonstration on a topic, and clicks that mark its contact.

The topics match rqt_image_view, which publishes the pixel of a click on the name of the displayed
topic with the suffix `_mouse_left`.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from geometry_msgs.msg import Point
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from afformer_core.demonstrations.demonstration_file import UsedFrame
from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.drawing.overlay import draw_mark, draw_numbered
from afformer_core.messages.image_encoding import image_message
from afformer_ros.grounding.demonstrations.demonstration_status import DemonstrationStatusPublisher
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.rclpy_messages import RclpyMessages

FRAMES = 'demonstration_frame'
CLICKS = f'{FRAMES}_mouse_left'
# Seconds. Image viewers do not request latched messages.
_PERIOD = 1.0


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


def compressed_frame(frame: UsedFrame) -> CompressedImage:
    """Return a message of a recorded frame, with its time."""
    header = Header(stamp=Time(nanoseconds=frame.nanoseconds).to_msg())
    return CompressedImage(header=header, format='jpeg', data=frame.jpeg)
