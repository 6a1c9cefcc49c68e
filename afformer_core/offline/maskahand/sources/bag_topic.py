# SPDX-License-Identifier: Apache-2.0
"""The images of a topic of a rosbag2, or of a recorded demonstration, as a source of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.bag import Bag, BagError, BagMessage
from afformer_core.media.sparse_decoding import Needed
from afformer_core.messages.image_decoding import IMAGE_TYPES, says_depth, to_rgb
from afformer_core.offline.maskahand.sources.frame_selection import window_of
from afformer_core.offline.maskahand.sources.frame_source import Decode, FramesFrom, FrameSource
from afformer_core.outputs.outputs import OUTPUT_TYPES

_COMPRESSED = '/compressed'
# Seconds before a part at which reading begins, until a frame before the part is found.
_LEADS = (1.0, 60.0, math.inf)

# Nanoseconds. Times are kept to a millionth of a second.
_ROUNDING = 1000


class BagTopic(FrameSource):
    """A topic of sensor_msgs/Image or CompressedImage in the folder of a rosbag2, or an mcap file.

    Times are recording times, by which bags are sorted and searched, because a camera's own clock
    may be set during the recording.
    """

    def files(self) -> list[Path]:
        """List the files of the bag."""
        path = self.path
        return sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]

    def duration(self) -> float | None:
        """Return the duration in seconds (see `FrameSource.duration`)."""
        with Bag(self.path) as bag:
            return (bag.end - _first(bag, self.topic)) * 1e-9

    def windows(self, length: float) -> Sequence[int]:
        """Find the windows with frames (see `FrameSource.windows`).

        A clock that is set during the recording, from 1970 to today, causes a pause of decades.
        """
        found: list[int] = []
        with Bag(self.path) as bag:
            first = _first(bag, self.topic)
            begin: int | None = bag.start
            while begin is not None:
                begin = self._window_from(bag, begin, first, length, found)
        return found

    def _window_from(
        self, bag: Bag, begin: int, first: int, length: float, found: list[int]
    ) -> int | None:
        """Find the next window; return the nanoseconds from which to search for the following."""
        last = found[-1] if found else -1
        windows = (window_of(time, length) for time, _ in _since(bag, self.topic, begin, first))
        try:
            number = next((window for window in windows if window > last), None)
        except BagError:
            # The damage is reported when the window is read, after the readable frames.
            found.append(last + 1)
            return None
        if number is None:
            return None
        found.append(number)
        return first + round((number + 1) * length * 1e9) - _ROUNDING

    @contextmanager
    def opened(self) -> Iterator[FramesFrom]:
        """Open the bag (see `FrameSource.opened`)."""
        with Bag(self.path) as bag:
            yield partial(self._timed, bag)

    def _timed(self, bag: Bag, start: float, needed: Needed) -> Iterator[tuple[float, Decode]]:
        for time, message in _timed(bag, self.topic, start):
            yield time, partial(_image, bag, message)
        if start > 0:
            # Only reading a bag from start to end reports lost messages.
            for _ in bag.messages((self.topic,), bag.start, bag.end):
                pass


def bag_topics(path: Path) -> list[BagTopic]:
    """List the cameras of a bag, in the order of their names.

    The grounding node's outputs are left out, and so are depth images, topics without a message,
    and the compressed images of a camera that also has raw ones.

    Raises:
        BagError: the bag is missing or damaged.
    """
    with Bag(path) as bag:
        topics = bag.topics
        return [
            BagTopic(path, topic)
            for topic in sorted(topics)
            if _may_be_camera(topic, topics) and bag.count(topic) and _shows_colours(bag, topic)
        ]


def _may_be_camera(topic: str, topics: Mapping[str, str]) -> bool:
    camera = topic.removesuffix(_COMPRESSED)
    return (
        topics[topic] in IMAGE_TYPES
        and camera.rpartition('/')[2] not in OUTPUT_TYPES
        and 'depth' not in topic.lower()
        and (camera == topic or topics.get(camera) not in IMAGE_TYPES)
    )


def _shows_colours(bag: Bag, topic: str) -> bool:
    try:
        message = next(bag.messages((topic,), bag.start, bag.end), None)
        return message is None or not says_depth(bag.decode(message))
    except BagError:
        # The damage is reported when the topic is read.
        return True


def _image(bag: Bag, message: BagMessage) -> NDArray[np.uint8]:
    return to_rgb(bag.decode(message))


def _first(bag: Bag, topic: str) -> int:
    """Return the time of recording of the first image, in nanoseconds."""
    for message in bag.messages((topic,), bag.start, bag.end):
        return message.time
    raise BagError(
        f'{bag.path} has no image of the topic {topic!r}. Choose one of its topics: '
        f'{", ".join(sorted(bag.topics))}'
    )


def _timed(bag: Bag, topic: str, start: float) -> Iterator[tuple[float, BagMessage]]:
    """Yield messages with their seconds from the topic's first one, starting before `start`."""
    first = _first(bag, topic)
    for lead in _LEADS:
        whole = lead >= start
        begin = bag.start if whole else first + round((start - lead) * 1e9)
        messages = _since(bag, topic, begin, first)
        head = next(messages, None)
        if head is not None and (whole or head[0] < start - 1e-6):
            yield from chain((head,), messages)
            return


def _since(bag: Bag, topic: str, begin: int, first: int) -> Iterator[tuple[float, BagMessage]]:
    for message in bag.messages((topic,), begin, bag.end):
        yield (message.time - first) * 1e-9, message
