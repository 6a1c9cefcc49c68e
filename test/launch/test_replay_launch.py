# SPDX-License-Identifier: Apache-2.0
"""The launch file plays a bag into the node and ends with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer

from afformer_core.demonstrations.recording import record_whole
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.messages.image_encoding import image_message
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.runtime import ArrayGrounder

for module, reason in (
    ('launch_ros', 'launch_ros is not installed; PyPI has no wheel of it'),
    ('ros2bag', 'ros2 bag is not installed; PyPI has no wheel of it'),
):
    pytest.importorskip(module, reason=reason, exc_type=ImportError)

FILE = 'replay.launch.py'
IMAGES = 15


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Grey images of 64 x 48 at 10 Hz, and an affordance that a node published before."""
    folder = tmp_path / 'bag'
    typestore = affordance_typestore()
    factory = RosbagsMessages(typestore)
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        images = writer.add_connection(
            '/camera/image', 'sensor_msgs/msg/Image', typestore=typestore
        )
        old = writer.add_connection(
            '/affordance', 'afformer_ros/msg/Affordance', typestore=typestore
        )
        for number in range(IMAGES):
            time = 1_700_000_000_000_000_000 + number * 100_000_000
            stamp = factory.create(
                'builtin_interfaces/msg/Time',
                sec=time // 1_000_000_000,
                nanosec=time % 1_000_000_000,
            )
            header = factory.create('std_msgs/msg/Header', stamp=stamp, frame_id='optical')
            image = image_message(factory, np.full((48, 64, 3), 128, np.uint8), 'rgb8', header)
            writer.write(images, time, typestore.serialize_cdr(image, image.__msgtype__))
            affordance = factory.create('afformer_ros/msg/Affordance', demonstration='old')
            writer.write(old, time, typestore.serialize_cdr(affordance, affordance.__msgtype__))
    return folder


@pytest.fixture
def demonstration(shipped_model: Path, tmp_path: Path) -> str:
    """A demonstration in the store of the node that is launched."""
    frames = [np.full((48, 64, 3), value, np.uint8) for value in (90, 120, 150)]
    store = DemonstrationStore(tmp_path / 'ros' / 'afformer' / 'demonstrations')
    record_whole(frames, 3, 0.2, 'press', ArrayGrounder.load(shipped_model), store)
    return 'press'


def test_what_is_grounded_is_recorded_beside_the_images(
    launch, bag: Path, demonstration: str, tmp_path: Path
) -> None:
    recording = tmp_path / 'recording'
    launched = launch(
        FILE,
        f'bag:={bag}',
        f'demonstration:={demonstration}',
        'namespace:=robot',
        'image_topic:=/camera/image',
        f'record:={recording}',
    )
    assert launched.wait() == 0, launched.log()
    assert 'the bag has ended' in launched.log()
    assert 'Traceback' not in launched.log()

    with AnyReader([recording], default_typestore=affordance_typestore()) as reader:
        messages = [
            (connection.topic, reader.deserialize(data, connection.msgtype))
            for connection, _, data in reader.messages()
        ]
    images = [one for topic, one in messages if topic == '/camera/image']
    results = [one for topic, one in messages if topic == '/robot/affordance']
    assert {one.header.frame_id for one in images} == {'optical'}
    assert {one.demonstration for one in results} == {'press'}
    assert {one.header.stamp.sec for one in results} <= {1_700_000_000, 1_700_000_001}
    # What the bag held of an earlier run was not played.
    assert '/affordance' not in {topic for topic, _ in messages}


def test_without_the_demonstration_nothing_is_played(launch, bag: Path) -> None:
    launched = launch(FILE, f'bag:={bag}', 'demonstration:=unknown')
    assert launched.wait() == 0, launched.log()
    assert "there is no demonstration 'unknown'" in launched.log()
    assert 'grounding could not be configured' in launched.log()
    assert len(launched.pids()) == 1


def test_a_bag_that_does_not_exist_is_reported(launch, demonstration: str, tmp_path: Path) -> None:
    launched = launch(FILE, f'bag:={tmp_path / "none"}', f'demonstration:={demonstration}')
    assert launched.wait() == 0, launched.log()
    assert 'the bag could not be played' in launched.log()
