# SPDX-License-Identifier: Apache-2.0
"""Which depth an image gets, and when its turn comes; times in milliseconds."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest

from afformer_core.errors import AfformerError
from afformer_core.media.bag import BagMessage
from afformer_core.replay.depth_wait import header_stamp, images_with_depth
from afformer_core.replay.topics import ReplayTopics
from afformer_core.stream.pipeline import SpatialInputs

MS = 10**6


def message(topic: str, time: int, stamp: int) -> BagMessage:
    data = struct.pack('<4BiI', 0, 1, 0, 0, *divmod(stamp * MS, 10**9))
    return BagMessage(topic, 'type', time * MS, data)


def depth_message(recorded: BagMessage) -> Any:
    """One pixel with the stamp of the recorded message."""
    seconds, nanoseconds = divmod(header_stamp(recorded) or 0, 10**9)
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


def pairs(
    messages: list[BagMessage], depth: str = '/depth', info: str = '', decode: Any = depth_message
) -> list[tuple[int, int | None]]:
    """Stamp of each image and of the depth that it got."""
    spatial = SpatialInputs(depth, info, decode)
    found: list[tuple[int, int | None]] = []
    topics = ReplayTopics('/image', '', depth, info)
    for _, stamp in images_with_depth(messages, topics, spatial, 0.1):
        assert stamp is not None
        view = spatial.view(stamp, 0.02, 0.0)
        found.append((stamp // MS, None if view.depth is None else view.depth.stamp // MS))
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
            [('/image', 10, 0), ('/other', 109, 0), ('/other', 110, 0), ('/depth', 111, 0)],
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
    recorded: list[tuple[str, int, int]], found: list[tuple[int, int | None]]
) -> None:
    assert pairs([message(*each) for each in recorded]) == found


def test_an_image_without_depth_topic_does_not_wait() -> None:
    assert pairs([message('/image', 10, 0), message('/depth', 11, 0)], depth='') == [(0, None)]


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

    pairs(messages, info='/info', decode=decode)
    assert asked == [messages[2], messages[2]]


def test_no_more_is_read_ahead_and_kept_than_needed() -> None:
    read = []
    kept: WeakSet[BagMessage] = WeakSet()

    def reading() -> Iterator[BagMessage]:
        for number in range(100):
            read.append(number)
            yield message('/image', 10 * number, 10 * number)
            one = message('/depth', 10 * number + 1, 10 * number)
            kept.add(one)
            yield one

    topics = ReplayTopics('/image', '', '/depth', '')
    images = images_with_depth(reading(), topics, SpatialInputs('/depth', '', depth_message), 0.1)
    next(images)
    assert read == [0]
    # Those that may come before their image, and the one that is read.
    assert max(len(kept) for _ in images) <= 25


@pytest.mark.parametrize(
    ('data', 'stamp'),
    [
        (struct.pack('<4BiI', 0, 1, 0, 0, 3, 5), 3_000_000_005),
        (struct.pack('>4BiI', 0, 0, 0, 0, 3, 5), 3_000_000_005),
        (b'\x00\x01\x00\x00\x03\x00', None),
        (b'', None),
    ],
)
def test_the_stamp_is_read_in_either_byte_order(data: bytes, stamp: int | None) -> None:
    assert header_stamp(BagMessage('/image', 'type', 0, data)) == stamp
