# SPDX-License-Identifier: Apache-2.0
"""The images from which a grounding node records, and those of the last recording."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.qos import QoSProfile

from afformer_core.errors import ImageError
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.offline.evaluation.report.tiles import fit
from afformer_ros.msg import DemonstrationStatus
from afformer_ros.quality_of_service import InputQuality
from afformer_ros.studio.ros_thread import RosThread
from afformer_ros.topic_subscription import IMAGE_KINDS, TopicSubscription

_SIDE = 320
# Frames of a replay. Of longer recordings, every second frame is dropped each time it is full.
_MOST = 64
# Milliseconds of a frame in a replay.
_SHORTEST, _LONGEST = 40, 500


@dataclass(frozen=True)
class ReplayFrame:
    """A frame, uint8 RGB [H, W, 3], and its arrival in seconds of the monotonic clock."""

    image: NDArray[np.uint8]
    arrival: float


class DemonstrationCamera:
    """The images of one topic, which may change.

    Args:
        ros: node that subscribes.

    Attributes:
        image: the last image message; None before the first one.
        name: name of the last recording whose frames were seen.
        frames: evenly chosen frames of that recording.
    """

    def __init__(self, ros: RosThread) -> None:
        self._ros = ros
        self._topic = ''
        self._subscription: TopicSubscription | None = None
        self._recording = False
        # One of so many frames of the recording is kept.
        self._stride = 1
        self._count = 0
        self.image: Any = None
        self.name = ''
        self.frames: tuple[ReplayFrame, ...] = ()

    def follow(self, topic: str) -> None:
        """Subscribe to a topic instead of the current one; empty: to none."""
        if topic == self._topic:
            return
        self.close()
        self._topic = topic
        if topic:
            quality = InputQuality(QoSProfile(depth=1), follows_publishers=True)
            group = MutuallyExclusiveCallbackGroup()
            self._subscription = TopicSubscription(
                self._ros.node, topic, IMAGE_KINDS['auto'], quality, self._take, group
            )

    def close(self) -> None:
        """End the subscription."""
        if self._subscription is not None:
            self._subscription.destroy()
            self._subscription = None
        self._topic, self.image = '', None

    def take_status(self, status: DemonstrationStatus) -> None:
        """Follow the begin and the end of a recording."""
        recording = status.state == DemonstrationStatus.RECORDING
        if recording and not self._recording:
            self.name, self.frames = status.name, ()
            self._stride, self._count = 1, 0
        self._recording = recording

    def _take(self, message: Any) -> None:
        self.image = message
        if not self._recording:
            return
        self._count += 1
        if (self._count - 1) % self._stride:
            return
        try:
            image = to_rgb(message)
        except ImageError:
            # The node reports it.
            return
        small = fit(image, _SIDE) if max(image.shape) > _SIDE else image.copy()
        self.frames = (*self.frames, ReplayFrame(small, time.monotonic()))
        if len(self.frames) > _MOST:
            self.frames = self.frames[::2]
            self._stride *= 2


def replay_source(frames: Sequence[ReplayFrame]) -> str:
    """Encode frames, at least one, as an image that a page plays again and again."""
    first, *others = (PIL.Image.fromarray(frame.image) for frame in frames)
    passed = frames[-1].arrival - frames[0].arrival
    mean = 1000 * passed / max(1, len(others))
    encoded = io.BytesIO()
    first.save(
        encoded,
        'WEBP',
        save_all=True,
        append_images=others,
        duration=round(min(max(mean, _SHORTEST), _LONGEST)),
        loop=0,
        method=0,
    )
    return f'data:image/webp;base64,{base64.b64encode(encoded.getvalue()).decode()}'
