# SPDX-License-Identifier: Apache-2.0
"""A queue in which camera images wait for the depth of the recording."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator

from afformer_core.media.bag import BagMessage
from afformer_core.replay.topics import ReplayTopics
from afformer_core.stream.pipeline import SpatialInputs

_HEADER = {0: struct.Struct('>iI'), 1: struct.Struct('<iI')}
_ENCAPSULATION = 4


def header_stamp(message: BagMessage) -> int | None:
    """Read the stamp at the beginning of a message, nanoseconds; None if it is too short."""
    data = message.data
    layout = _HEADER.get(data[1]) if len(data) > 1 else None
    if layout is None or len(data) < _ENCAPSULATION + layout.size:
        return None
    seconds, nanoseconds = layout.unpack_from(data, _ENCAPSULATION)
    return int(seconds * 10**9 + nanoseconds)


def images_with_depth(
    messages: Iterable[BagMessage], topics: ReplayTopics, spatial: SpatialInputs, seconds: float
) -> Iterator[tuple[BagMessage, int | None]]:
    """Yield the images in order, with the stamps of their headers, once their depth is known.

    Depth and calibrations are added to the buffers as they are read, as on a robot.

    Args:
        messages: messages of the bag.
        topics: topics of the bag.
        spatial: buffers of depth and calibrations. The depth of an image is kept until the next
            one is requested.
        seconds: maximum seconds of the recording to read ahead.
    """
    # Each with the object that keeps its depth.
    waiting: deque[tuple[BagMessage, int | None, object]] = deque()
    for message in messages:
        stamp = header_stamp(message)
        if message.topic == topics.depth and stamp is not None:
            spatial.add_depth(stamp, message)
        if message.topic == topics.camera_info:
            spatial.add_camera_info(message)
        # One topic may be both.
        if message.topic == topics.image:
            expected = None if stamp is None else spatial.expect(stamp)
            waiting.append((message, stamp, expected))
        while waiting:
            image, stamp, _ = waiting[0]
            waited = message.time - image.time >= round(1e9 * seconds)
            if not (stamp is None or waited or spatial.complete(stamp)):
                break
            yield image, stamp
            waiting.popleft()
    while waiting:
        yield waiting[0][:2]
        waiting.popleft()
