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


def test_what_can_only_be_meant_is_found() -> None:
    assert choose_topics(ROBOT, None, None, None, None) == ReplayTopics(
        '/camera/image', '/demonstration', '/camera/depth', '/camera/camera_info'
    )


def test_empty_names_stand_for_none() -> None:
    topics = choose_topics(ROBOT, None, '', '', '')
    assert topics == ReplayTopics('/camera/image', '', '', '')


def test_calibration_is_that_beside_the_image() -> None:
    available = {
        '/left/image_raw/compressed': COMPRESSED,
        '/left/camera_info': INFO,
        '/right/camera_info': INFO,
    }
    topics = choose_topics(available, None, '', None, None)
    assert topics == ReplayTopics('/left/image_raw/compressed', '', '', '/left/camera_info')


def test_depth_of_which_there_are_two_is_not_guessed() -> None:
    available = {**ROBOT, '/other/depth': IMAGE}
    assert choose_topics(available, None, None, None, None).depth == ''


def test_camera_and_demonstration_may_be_one_topic() -> None:
    topics = choose_topics(ROBOT, '/camera/image', '/camera/image', None, None)
    assert topics.image == topics.demonstration == '/camera/image'


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
