# SPDX-License-Identifier: Apache-2.0
"""A queue in which camera images wait for the depth and transforms of the recording."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from afformer_core.media.bag import BagMessage
from afformer_core.replay.recorded_transforms import TRANSFORM_TOPICS, RecordedTransforms
from afformer_core.replay.topics import ReplayTopics
from afformer_core.stream.spatial_inputs import SpatialInputs

# Seconds of a recording that are read ahead for the depth and the transforms of an image.
DEPTH_WAIT = 0.2
# Seconds, nanoseconds, and the length of the frame_id.
_HEADER = {0: struct.Struct('>iII'), 1: struct.Struct('<iII')}
_ENCAPSULATION = 4


@dataclass(frozen=True)
class StampedMessage:
    """A message with the fields of its header.

    Attributes:
        message: the message.
        stamp: stamp of its header, nanoseconds; None if it has none.
        frame_id: frame of its header.
    """

    message: BagMessage
    stamp: int | None
    frame_id: str = ''

    @classmethod
    def of(cls, message: BagMessage) -> StampedMessage:
        """Read the header at the beginning of a message."""
        data = message.data
        layout = _HEADER.get(data[1]) if len(data) > 1 else None
        if layout is None or len(data) < _ENCAPSULATION + layout.size:
            return cls(message, None)
        seconds, nanoseconds, length = layout.unpack_from(data, _ENCAPSULATION)
        begin = _ENCAPSULATION + layout.size
        # The last byte of the text is 0.
        frame_id = data[begin : begin + max(0, length - 1)].decode(errors='replace')
        return cls(message, seconds * 10**9 + nanoseconds, frame_id)


@dataclass(frozen=True)
class _Waiting:
    """A message and, for an image, the object that keeps its depth."""

    stamped: StampedMessage
    expected_depth: object


class DepthWait:
    """A queue that keeps the order of messages, and delays images until their depth is known.

    Their transforms are then also known. Depth, calibrations and transforms are added to the
    buffers as they are read, as on a robot. Waiting times are seconds of the
    recording.

    Args:
        topics: topics of the bag.
        spatial: buffers of depth and calibrations.
        transforms: buffer of transforms.
        seconds: maximum seconds of the recording to read ahead.
    """

    def __init__(
        self,
        topics: ReplayTopics,
        spatial: SpatialInputs,
        transforms: RecordedTransforms,
        seconds: float,
    ) -> None:
        self._topics = topics
        self._spatial = spatial
        self._transforms = transforms
        self._nanoseconds = round(1e9 * seconds)
        self._waiting: deque[_Waiting] = deque()

    def order(self, messages: Iterable[StampedMessage]) -> Iterator[StampedMessage]:
        """Yield all messages in order."""
        for message in messages:
            self._take(message)
            while self._waiting and self._ready(self._waiting[0].stamped, message.message.time):
                yield from self._release()
        while self._waiting:
            yield from self._release()

    def _take(self, message: StampedMessage) -> None:
        topic, stamp, expected = message.message.topic, message.stamp, None
        if topic == self._topics.depth and stamp is not None:
            self._spatial.add_depth(stamp, message.message)
        elif topic == self._topics.camera_info:
            self._spatial.add_camera_info(message.message)
        elif topic == self._topics.image and stamp is not None:
            expected = self._spatial.expect(stamp)
            self._transforms.expect(stamp)
        elif topic in TRANSFORM_TOPICS:
            self._transforms.take(message.message)
        self._waiting.append(_Waiting(message, expected))

    def _ready(self, message: StampedMessage, now: int) -> bool:
        if message.message.topic != self._topics.image or message.stamp is None:
            return True
        if now - message.message.time >= self._nanoseconds:
            return True
        placed = self._transforms.placement(message.frame_id, message.stamp)
        return not placed.missing_transform and self._spatial.complete(message.stamp)

    def _release(self) -> Iterator[StampedMessage]:
        # Its depth is kept until the consumer requests the next message.
        waiting = self._waiting.popleft()
        yield waiting.stamped
