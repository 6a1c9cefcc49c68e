# SPDX-License-Identifier: Apache-2.0
"""Which depth an image gets, and when its turn comes; times in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import numpy as np

from afformer_core.errors import AfformerError
from afformer_core.media.bag import BagMessage
from afformer_core.replay.depth_wait import DepthWait, StampedMessage
from afformer_core.replay.recorded_transforms import RecordedTransforms
from afformer_core.replay.topics import ReplayTopics
from afformer_core.stream.spatial_inputs import SpatialInputs

MS = 10**6


def message(topic: str, time: int, stamp: int | None) -> StampedMessage:
    stamp = None if stamp is None else stamp * MS
    return StampedMessage(BagMessage(topic, 'type', time * MS, str(stamp).encode()), stamp)


def depth_message(recorded: BagMessage) -> Any:
    """One pixel with the stamp of the recorded message."""
    seconds, nanoseconds = divmod(int(recorded.data), 10**9)
    stamp = SimpleNamespace(sec=seconds, nanosec=nanoseconds)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp, frame_id='camera'),
        encoding='32FC1',
        height=1,
        width=1,
        step=4,
        is_bigendian=False,
        data=np.zeros(4, np.uint8),
    )


def queue(
    depth: str = '/depth', info: str = '', decode: Any = depth_message
) -> tuple[DepthWait, SpatialInputs]:
    spatial = SpatialInputs(depth, info, decode)
    topics = ReplayTopics('/image', '', depth, info)
    return DepthWait(topics, spatial, RecordedTransforms(decode), 0.1), spatial


def pairs(
    messages: list[StampedMessage], depth: str = '/depth', info: str = ''
) -> list[tuple[int, int | None]]:
    """Stamp of each image and of the depth that it got."""
    wait, spatial = queue(depth, info)
    found: list[tuple[int, int | None]] = []
    for ready in wait.order(messages):
        if ready.message.topic == '/image' and ready.stamp is not None:
            view = spatial.view(ready.stamp, rectified=False, tolerance=0.02, patience=0.0)
            stamp = None if view.depth is None else view.depth.stamp // MS
            found.append((ready.stamp // MS, stamp))
    return found


def test_the_nearest_depth_is_taken_though_it_comes_later() -> None:
    messages = [
        message('/depth', 5, 0),
        message('/image', 20, 15),
        message('/depth', 30, 18),
        message('/image', 40, 35),
        message('/depth', 45, 36),
    ]
    assert pairs(messages) == [(15, 18), (35, 36)]


def test_depth_beyond_the_tolerance_is_none() -> None:
    messages = [message('/image', 10, 0), message('/depth', 11, 21), message('/depth', 30, 40)]
    assert pairs(messages) == [(0, None)]


def test_an_image_waits_no_longer_than_it_may() -> None:
    messages = [
        message('/image', 10, 0),
        message('/other', 109, None),
        message('/other', 110, None),
        message('/depth', 111, 0),
    ]
    assert pairs(messages) == [(0, None)]


def test_at_the_end_of_the_bag_earlier_depth_will_do() -> None:
    assert pairs([message('/depth', 1, 0), message('/image', 10, 15)]) == [(15, 0)]


def test_everything_comes_out_as_it_went_in() -> None:
    messages = [
        message('/image', 10, 0),
        message('/other', 12, None),
        message('/image', 20, 10),
        message('/depth', 25, 11),
        message('/other', 26, None),
    ]
    wait, _ = queue()
    assert list(wait.order(messages)) == messages


def test_no_more_is_read_ahead_than_needed() -> None:
    read = []

    def reading() -> Iterator[StampedMessage]:
        for number in range(100):
            read.append(number)
            yield message('/image', 10 * number, 10 * number)
            yield message('/depth', 10 * number + 1, 10 * number)

    wait, _ = queue()
    next(wait.order(reading()))
    assert read == [0]


def test_the_first_image_waits_for_a_calibration_too() -> None:
    messages = [
        message('/image', 10, 0),
        message('/depth', 11, 0),
        message('/info', 12, 0),
        message('/image', 20, 10),
        message('/depth', 21, 10),
    ]
    asked: list[BagMessage] = []

    def decode(recorded: BagMessage) -> Any:
        if recorded.topic == '/info':
            asked.append(recorded)
            raise AfformerError('no calibration')
        return depth_message(recorded)

    wait, spatial = queue(info='/info', decode=decode)
    for ready in wait.order(messages):
        if ready.message.topic == '/image' and ready.stamp is not None:
            spatial.view(ready.stamp, rectified=False, tolerance=0.02, patience=0.0)
    assert asked == [messages[2].message, messages[2].message]


def test_an_image_without_depth_topic_does_not_wait() -> None:
    messages = [message('/image', 10, 0), message('/depth', 11, 0)]
    assert pairs(messages, depth='') == [(0, None)]


def test_after_the_clock_was_set_back_images_still_wait() -> None:
    messages = [
        message('/image', 1000, 60_000),
        message('/depth', 1001, 60_000),
        message('/image', 1030, 10),
        message('/depth', 1031, 11),
    ]
    assert pairs(messages) == [(60_000, 60_000), (10, 11)]


def test_depth_is_forgotten_after_the_camera_stopped() -> None:
    kept: WeakSet[BagMessage] = WeakSet()

    def reading() -> Iterator[StampedMessage]:
        yield message('/image', 0, 0)
        for number in range(300):
            one = message('/depth', 50 * number, 50 * number)
            kept.add(one.message)
            yield one

    wait, _ = queue()
    # Those that may come before their image, and the one that is read.
    assert max(len(kept) for _ in wait.order(reading())) <= 25
