# SPDX-License-Identifier: Apache-2.0
"""The node `player`, which publishes a video, an image or a folder of images as a camera."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from afformer_core.demonstrations.media import TimedImage, timed_images
from afformer_core.errors import AfformerError
from afformer_core.messages.image_encoding import image_message, jpeg_message
from afformer_ros.parameter_fields import declare_parameters, parameter, read_parameters
from afformer_ros.process import Finished
from afformer_ros.rclpy_messages import RclpyMessages

_POLL = 0.02
_MESSAGES = RclpyMessages()
_IMAGE_RATE = 10.0
_fixed = partial(parameter, change='never')


@dataclass(frozen=True)
class PlayerParameters:
    """Parameters of the player; each text is the ROS description."""

    path: str = _fixed('', 'Video, image or folder of images to publish')
    rate: float = _fixed(
        0.0,
        f'Frames per second. 0: the times of the video, or {_IMAGE_RATE:.0f} for images',
        limits=(0.0, 1000.0),
    )
    start_delay: float = _fixed(
        0.0, 'Seconds to wait before the first frame', limits=(0.0, 3600.0)
    )
    loop: bool = _fixed(False, 'Whether the player starts again after the last frame')
    wait_for_subscribers: int = _fixed(
        0, 'Number of subscribers to wait for before the first frame', limits=(0, 1000)
    )
    frame_id: str = _fixed('camera', 'Coordinate frame in the headers of the images')
    transport: str = _fixed(
        'raw',
        'Type of the messages: raw (sensor_msgs/Image) or compressed (CompressedImage, JPEG)',
        choices=('raw', 'compressed'),
    )
    reliability: str = _fixed(
        'reliable', 'Reliability offered to subscribers', choices=('reliable', 'best_effort')
    )


class PlayerNode(Node):
    """A node that publishes frames on `image`, each stamped with the time at which it is due.

    A frame is due at the start plus its own time, so that delays do not accumulate. A late frame
    is sent at once, and no frame is skipped. With simulated time, playing starts at the first
    clock message.

    Args:
        finished: event that is set after the last frame, or that ends the process with the reason
            if playing fails.
        options: options of `rclpy.node.Node`.

    Raises:
        VideoError: `path` is missing, empty or not a video.
        ImageError: an image cannot be read, or a folder has none.
        ValueError: no `path` was given, or a parameter has an unknown value.
        rclpy.exceptions.InvalidParameterValueException: a parameter is out of range.
    """

    def __init__(self, finished: Finished, **options: Any) -> None:
        super().__init__('player', **options)
        self._finished = finished
        declare_parameters(self, PlayerParameters)
        self._settings = read_parameters(self, PlayerParameters)
        if not self._settings.path:
            raise ValueError(
                'no path was given. Set the parameter path to a video, an image or '
                'a folder of images'
            )
        self._path = Path(self._settings.path)
        self._compressed = self._settings.transport == 'compressed'
        self._reliable = self._settings.reliability == 'reliable'
        # A damaged file is reported here, before any subscriber waits for its frames.
        first = next(iter(timed_images(self._path)))
        kind = CompressedImage if self._compressed else Image
        policies = QoSReliabilityPolicy
        reliability = policies.RELIABLE if self._reliable else policies.BEST_EFFORT
        quality = QoSProfile(depth=10, reliability=reliability)
        self._publisher: Any = self.create_publisher(kind, 'image', quality)
        self._tell(first)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name='player', daemon=True)
        self._thread.start()

    def close(self) -> bool:
        """Stop playing; return whether the thread ended."""
        self._stopping.set()
        self._thread.join(2.0)
        return not self._thread.is_alive()

    def _tell(self, first: TimedImage) -> None:
        height, width = first.image.shape[:2]
        rate = 'at the times of the video'
        if self._settings.rate or first.time is None:
            rate = f'at {self._settings.rate or _IMAGE_RATE:g} images per second'
        turns = ' in a loop' if self._settings.loop else ''
        self.get_logger().info(
            f'playing {self._path} ({width} x {height}) on {self._publisher.topic_name} {rate}'
            f'{turns}, frame {self._settings.frame_id!r}'
        )

    def _run(self) -> None:
        try:
            self._play()
        except Exception as error:  # noqa: BLE001
            known = isinstance(error, AfformerError)
            self._finished.fail(1, str(error) if known else f'{type(error).__name__}: {error}')
        self._finished.set()

    def _play(self) -> None:
        while self._publisher.get_subscription_count() < self._settings.wait_for_subscribers:
            if self._stopping.wait(_POLL):
                return
        clock = self.get_clock()
        # Simulated time is zero until the first clock message.
        while clock.now().nanoseconds == 0:
            if self._stopping.wait(_POLL):
                return
        begin = clock.now() + Duration(seconds=self._settings.start_delay)
        count = 0
        for offset, frame in self._schedule():
            due = begin + Duration(nanoseconds=round(offset * 1e9))
            if not self._wait_until(due):
                return
            self._publish(frame, due)
            count += 1
        if self._reliable:
            self._publisher.wait_for_all_acked(Duration(seconds=2))
        self.get_logger().info(f'{count} frames of {self._path} were published')

    def _schedule(self) -> Iterator[tuple[float, TimedImage]]:
        """Yield frames with their seconds from the start; endlessly with `loop`."""
        begin = 0.0
        for _ in itertools.count() if self._settings.loop else range(1):
            offset, period = 0.0, 1 / (self._settings.rate or _IMAGE_RATE)
            frames = self._frames()
            for number, frame in enumerate(frames):
                before = offset
                if self._settings.rate or frame.time is None:
                    offset = number * period
                else:
                    offset = frame.time
                    period = offset - before or period
                yield begin + offset, frame
            begin += offset + period

    def _frames(self) -> Iterator[TimedImage]:
        frames = timed_images(self._path)
        first = next(frames)
        second = next(frames, None)
        if second is not None:
            return itertools.chain([first, second], frames)
        # A single image is read only once.
        return itertools.repeat(first) if self._settings.loop else iter([first])

    def _wait_until(self, due: Time) -> bool:
        clock = self.get_clock()
        while (left := (due - clock.now()).nanoseconds * 1e-9) > 0:
            # Simulated time may stand still or run at another speed.
            if self._stopping.wait(min(left, _POLL)):
                return False
        return not self._stopping.is_set()

    def _publish(self, frame: TimedImage, due: Time) -> None:
        header = Header(stamp=due.to_msg(), frame_id=self._settings.frame_id)
        if self._compressed:
            self._publisher.publish(jpeg_message(_MESSAGES, frame.image, header))
        else:
            self._publisher.publish(image_message(_MESSAGES, frame.image, 'rgb8', header))
