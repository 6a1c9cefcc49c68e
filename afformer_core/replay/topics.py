# SPDX-License-Identifier: Apache-2.0
"""Choice of a bag's topics: demonstration, camera, depth and calibration."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from afformer_core.media.bag import BagError
from afformer_core.messages.image_decoding import IMAGE_TYPES
from afformer_core.outputs.outputs import OUTPUT_TYPES

_CAMERA_INFO = ('sensor_msgs/msg/CameraInfo',)


@dataclass(frozen=True)
class ReplayTopics:
    """The topics of a replay.

    Attributes:
        image: topic of the camera's images.
        demonstration: topic of the demonstration that is recorded; empty if demonstrations come
            from elsewhere.
        depth, camera_info: topics of the camera; empty for none.
    """

    image: str
    demonstration: str
    depth: str
    camera_info: str

    def __post_init__(self) -> None:
        if not self.image:
            raise BagError('a replay needs an image topic')


def choose_topics(
    available: Mapping[str, str],
    image: str | None,
    demonstration: str | None,
    depth: str | None,
    camera_info: str | None,
) -> ReplayTopics:
    """Choose the given topics, and for the others the only one of their type.

    Args:
        available: type name of each topic of the bag.
        image: None for the only one that shows colours and is not the demonstration.
        demonstration: None for the only one with `demonstration` in its name; '' for none.
        depth: None for the only one with `depth` in its name, if there is one; '' for none.
        camera_info: None for the one beside the image topic, or the only one; '' for none.

    Raises:
        BagError: a topic is not in the bag or has another type, or several topics match.
    """
    for name, types in (
        (image, IMAGE_TYPES),
        (demonstration, IMAGE_TYPES),
        (depth, IMAGE_TYPES),
        (camera_info, _CAMERA_INFO),
    ):
        if name:
            _check(name, types, available)
    images = [
        topic
        for topic, kind in available.items()
        # images of a node that ran during the recording do not come from a camera
        if kind in IMAGE_TYPES and topic.removeprefix('/') not in OUTPUT_TYPES
    ]
    shown = [topic for topic in images if 'demonstration' in topic and topic != image]
    if demonstration is None:
        demonstration = _only(shown, '--demonstration-topic', available)
    depths = [topic for topic in images if 'depth' in topic]
    if image is None:
        others = (demonstration, depth, *shown, *depths)
        rest = [topic for topic in images if topic not in others]
        image = _only(rest, '--image-topic', available)
    if depth is None:
        depth = _only_or_none([topic for topic in depths if topic not in (image, demonstration)])
    if camera_info is None:
        infos = [topic for topic, kind in available.items() if kind in _CAMERA_INFO]
        beside = [topic for topic in infos if topic in _beside(image)]
        camera_info = beside[0] if beside else _only_or_none(infos)
    return ReplayTopics(image, demonstration, depth, camera_info)


def _described(available: Mapping[str, str]) -> str:
    return ', '.join(f'{topic} ({kind})' for topic, kind in sorted(available.items()))


def _check(topic: str, types: Collection[str], available: Mapping[str, str]) -> None:
    if topic not in available:
        raise BagError(f'the bag has no topic {topic}; it has {_described(available)}')
    if available[topic] not in types:
        raise BagError(
            f'{topic} is {available[topic]}; expected {" or ".join(types)}. '
            f'The bag has {_described(available)}'
        )


def _only(topics: Sequence[str], option: str, available: Mapping[str, str]) -> str:
    if len(topics) != 1:
        raise BagError(f'name one with {option}; the bag has {_described(available)}')
    return topics[0]


def _only_or_none(topics: Sequence[str]) -> str:
    return topics[0] if len(topics) == 1 else ''


def _beside(image: str) -> tuple[str, str]:
    """Return the topics of the calibration that belong to a raw and a compressed topic."""
    parent = image.rpartition('/')[0]
    return f'{parent}/camera_info', f'{parent.rpartition("/")[0]}/camera_info'
