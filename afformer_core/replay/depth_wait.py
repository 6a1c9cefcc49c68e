# SPDX-License-Identifier: Apache-2.0
"""A queue in which camera images wait for their depth, in the order of the recording."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from afformer_core.media.bag import BagMessage


@dataclass(frozen=True)
class StampedMessage:
    """A message with the stamp of its header, nanoseconds; None where it has none."""

    message: BagMessage
    stamp: int | None


@dataclass(frozen=True)
class ReadyMessage:
    """A message whose turn has come.

    Attributes:
        message: the message.
        depth: the depth message nearest to it in time, where it is an image and one is near
            enough.
        camera_info: the newest calibration read so far, where it is an image.
    """

    message: StampedMessage
    depth: StampedMessage | None
    camera_info: StampedMessage | None


class DepthWait:
    """Reorders nothing: messages come out as they went in, images when their depth is known.

    An image waits until a depth image of its own time or later has been read, because none that
    is read afterwards can be nearer, and for `wait` of recorded time at most.

    Args:
        image, depth, camera_info: topics; empty ones never come.
        tolerance: nanoseconds between the stamps of an image and its depth at most.
        wait: nanoseconds that the recording is read ahead at most.
    """

    def __init__(
        self, image: str, depth: str, camera_info: str, tolerance: int, wait: int
    ) -> None:
        self._image, self._depth, self._camera_info = image, depth, camera_info
        self._tolerance, self._wait = tolerance, wait
        self._waiting: deque[StampedMessage] = deque()
        self._depths: deque[StampedMessage] = deque()
        self._newest_info: StampedMessage | None = None

    def order(self, messages: Iterable[StampedMessage]) -> Iterator[ReadyMessage]:
        """All messages, each when its turn has come."""
        for message in messages:
            topic = message.message.topic
            if topic == self._depth and message.stamp is not None:
                self._depths.append(message)
            if topic == self._camera_info:
                self._newest_info = message
            self._waiting.append(message)
            self._forget_before(self._waiting[0].message.time)
            while self._waiting and self._ready(self._waiting[0], message.message.time):
                yield self._release()
        while self._waiting:
            yield self._release()

    def _ready(self, message: StampedMessage, now: int) -> bool:
        if message.message.topic != self._image or message.stamp is None:
            return True
        if now - message.message.time >= self._wait:
            return True
        # Depth much later than the image is of before the clock was set back.
        latest = message.stamp + self._wait + self._tolerance
        depth = not self._depth or any(
            one.stamp is not None and message.stamp <= one.stamp <= latest for one in self._depths
        )
        return depth and (not self._camera_info or self._newest_info is not None)

    def _release(self) -> ReadyMessage:
        message = self._waiting.popleft()
        if message.message.topic != self._image or message.stamp is None:
            return ReadyMessage(message, None, None)
        self._forget_before(message.message.time)
        return ReadyMessage(message, self._nearest(message.stamp), self._newest_info)

    def _nearest(self, stamp: int) -> StampedMessage | None:
        near = [(abs(one.stamp - stamp), one) for one in self._depths if one.stamp is not None]
        near = [pair for pair in near if pair[0] <= self._tolerance]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    def _forget_before(self, time: int) -> None:
        """Drop depth that was recorded so long ago that no later image can want it."""
        horizon = time - self._wait - self._tolerance - 10**9
        while self._depths and self._depths[0].message.time < horizon:
            self._depths.popleft()
