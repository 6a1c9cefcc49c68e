# SPDX-License-Identifier: Apache-2.0
"""Frames of demonstrations that are stored in a rosbag2."""

from __future__ import annotations

from pathlib import Path

from afformer_core.demonstrations.even_frames import EvenFrames
from afformer_core.demonstrations.reading_progress import Progress, untold
from afformer_core.errors import DemonstrationError
from afformer_core.media.bag import Bag
from afformer_core.messages.image_decoding import IMAGE_TYPES, to_rgb


def is_bag(path: Path) -> bool:
    """Check whether a path is a folder of a rosbag2 or a bare MCAP file."""
    return path.suffix == '.mcap' or (path / 'metadata.yaml').is_file()


def read_bag_frames(
    path: Path, topic: str, maximum: int, progress: Progress = untold
) -> tuple[EvenFrames, int, float]:
    """Read evenly spaced images of a topic.

    Args:
        path: path of the bag.
        topic: name of the topic; '' for the only one with images.
        maximum: largest number of whole images, at least 1.
        progress: called for each image of the topic.

    Returns:
        the images, the number of images of the topic, and the seconds between its first and last
        one.

    Raises:
        DemonstrationError: there is no such topic of images, or there are several and none was
            named.
        BagError: the bag is missing or damaged.
        ImageError: an image cannot be read.
    """
    with Bag(path) as bag:
        chosen = _image_topic(bag, topic)
        count = bag.count(chosen)
        if not count:
            raise DemonstrationError(f'topic {chosen} of {path} has no image. Record it again')
        seconds = (bag.end - bag.start) * 1e-9
        kept = EvenFrames(count, maximum, count / seconds if seconds > 0 else 0.0)
        expected = set(kept.indices)
        times: list[int] = []
        for number, message in enumerate(bag.messages((chosen,), bag.start, bag.end)):
            times.append(message.time)
            progress(number + 1, (number + 1) / count)
            if number in expected:
                kept.take(number, to_rgb(bag.decode(message)))
        return kept, count, (times[-1] - times[0]) * 1e-9


def _image_topic(bag: Bag, topic: str) -> str:
    found = _image_topics(bag)
    if topic:
        if topic not in found:
            raise DemonstrationError(
                f'{bag.path} has no image topic {topic}; it has: {", ".join(found) or "none"}'
            )
        return topic
    if len(found) != 1:
        raise DemonstrationError(
            f'{bag.path} has {len(found)} image topics ({", ".join(found) or "none"}); name one '
            f'as {bag.path.name}#TOPIC'
        )
    return found[0]


def _image_topics(bag: Bag) -> tuple[str, ...]:
    return tuple(sorted(name for name, kind in bag.topics.items() if kind in IMAGE_TYPES))
