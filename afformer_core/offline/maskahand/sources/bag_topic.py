# SPDX-License-Identifier: Apache-2.0
"""The images of a topic of a rosbag2, or of a recorded demonstration, as a source of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.bag import Bag, BagError, BagMessage
from afformer_core.media.video import VideoFrame
from afformer_core.messages.image_decoding import IMAGE_TYPES, says_depth, to_rgb
from afformer_core.offline.maskahand.sources.fingerprint import (
    content_fingerprint,
    files_fingerprint,
)
from afformer_core.offline.maskahand.sources.frame_selection import (
    chosen_frames,
    frames_at,
    window_of,
)
from afformer_core.offline.maskahand.sources.frame_source import LostFrame, read_frame
from afformer_core.outputs.outputs import OUTPUT_TYPES

_COMPRESSED = '/compressed'
# Seconds before a part at which reading begins, until a frame before the part is found.
_LEADS = (1.0, 60.0, math.inf)

# Nanoseconds. Times are kept to a millionth of a second.
_ROUNDING = 1000


@dataclass(frozen=True)
class BagTopic:
    """A topic of images in a bag, as a `FrameSource`.

    Times are recording times, by which bags are sorted and searched, because a camera's own clock
    may be set during the recording.

    Attributes:
        path: folder of a rosbag2, or mcap file, such as a demonstration that the node has stored.
        topic: topic of sensor_msgs/Image or CompressedImage.
    """

    path: Path
    topic: str

    def fingerprint(self) -> str:
        """Hash the state of the bag's files (see `FrameSource.fingerprint`)."""
        return files_fingerprint(_files(self.path))

    def content(self) -> str:
        """Hash the content of the bag's files (see `FrameSource.content`)."""
        return content_fingerprint(_files(self.path), self.topic)

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

    def frames(
        self, rate: float, start: float = 0.0, stop: float = math.inf
    ) -> Iterator[VideoFrame | LostFrame]:
        """Yield some of the frames (see `FrameSource.frames`)."""
        with Bag(self.path) as bag:
            timed = _timed(bag, self.topic, start)
            for time, message in chosen_frames(timed, rate, start, stop):
                yield read_frame(time, partial(_image, bag, message))
            if start > 0 and stop == math.inf:
                # Only reading a bag from start to end reports lost messages.
                for _ in bag.messages((self.topic,), bag.start, bag.end):
                    pass

    def at(self, times: Sequence[float]) -> NDArray[np.uint8]:
        """Read the frames at some times (see `FrameSource.at`)."""
        with Bag(self.path) as bag:
            return frames_at(
                lambda start: _timed(bag, self.topic, start),
                partial(_image, bag),
                times,
                self.path,
            )


def _files(path: Path) -> list[Path]:
    return sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]


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
