# SPDX-License-Identifier: Apache-2.0
"""Topics that were named, and those that can only be meant."""

from __future__ import annotations

import pytest

from afformer_core.media.bag import BagError
from afformer_core.replay.topics import ReplayTopics, choose_topics

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
INFO = 'sensor_msgs/msg/CameraInfo'
ROBOT = {
    '/demonstration': IMAGE,
    '/camera/image': IMAGE,
    '/camera/depth': IMAGE,
    '/camera/camera_info': INFO,
    '/tf': 'tf2_msgs/msg/TFMessage',
}


@pytest.mark.parametrize(
    ('available', 'named', 'chosen'),
    [
        (
            ROBOT,
            (None, None, None, None),
            ('/camera/image', '/demonstration', '/camera/depth', '/camera/camera_info'),
        ),
        (ROBOT, (None, '', '', ''), ('/camera/image', '', '', '')),
        # The calibration is that beside the image.
        (
            {'/a/raw/compressed': COMPRESSED, '/a/camera_info': INFO, '/b/camera_info': INFO},
            (None, '', None, None),
            ('/a/raw/compressed', '', '', '/a/camera_info'),
        ),
        # Of two depths, none is guessed.
        (
            {**ROBOT, '/other/depth': IMAGE},
            (None, None, None, ''),
            ('/camera/image', '/demonstration', '', ''),
        ),
        # One topic may be both.
        (ROBOT, ('/camera/image', '/camera/image', '', ''), ('/camera/image',) * 2 + ('', '')),
    ],
)
def test_what_can_only_be_meant_is_found(
    available: dict[str, str], named: tuple[str | None, ...], chosen: tuple[str, ...]
) -> None:
    assert choose_topics(available, *named) == ReplayTopics(*chosen)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('/nope', None, None, None), r'no topic /nope; it has .*/camera/image \(sensor_msgs'),
        (
            ('/tf', None, None, None),
            r'/tf is tf2_msgs/msg/TFMessage; expected sensor_msgs/msg/Image',
        ),
        (
            (None, None, None, '/camera/image'),
            '/camera/image is .*; expected sensor_msgs/msg/CameraInfo',
        ),
    ],
)
def test_a_wrong_topic_lists_what_there_is(
    arguments: tuple[str | None, ...], message: str
) -> None:
    with pytest.raises(BagError, match=message):
        choose_topics(ROBOT, *arguments)


def test_of_two_cameras_one_must_be_named() -> None:
    with pytest.raises(BagError, match='name one with --image-topic'):
        choose_topics({'/left': IMAGE, '/right': IMAGE}, None, '', None, None)
    with pytest.raises(BagError, match='name one with --demonstration-topic'):
        choose_topics({'/left': IMAGE}, '/left', None, None, None)
