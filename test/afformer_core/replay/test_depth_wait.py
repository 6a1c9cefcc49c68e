# SPDX-License-Identifier: Apache-2.0
"""Which depth an image gets, and when its turn comes; times in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ('recorded', 'found'),
    [
        # The nearest is taken, though it comes later.
        (
            [
                ('/depth', 5, 0), ('/image', 20, 15), ('/depth', 30, 18),
                ('/image', 40, 35), ('/depth', 45, 36),
            ],
            [(15, 18), (35, 36)],
        ),
        # Beyond the tolerance there is none.
        ([('/image', 10, 0), ('/depth', 11, 21), ('/depth', 30, 40)], [(0, None)]),
        # An image waits no longer than it may.
        (
            [('/image', 10, 0), ('/other', 109, None), ('/other', 110, None), ('/depth', 111, 0)],
            [(0, None)],
        ),
        # At the end of the bag, an earlier one will do.
        ([('/depth', 1, 0), ('/image', 10, 15)], [(15, 0)]),
        # After the clock was set back, images still wait.
        (
            [
                ('/image', 1000, 60_000), ('/depth', 1001, 60_000),
                ('/image', 1030, 10), ('/depth', 1031, 11),
            ],
            [(60_000, 60_000), (10, 11)],
        ),
    ],
)  # fmt: skip
def test_each_image_gets_the_depth_that_comes_in_time(
    recorded: list[tuple[str, int, int | None]], found: list[tuple[int, int | None]]
) -> None:
    assert pairs([message(*each) for each in recorded]) == found


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
