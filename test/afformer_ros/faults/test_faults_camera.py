# SPDX-License-Identifier: Apache-2.0
"""A camera that stops, changes, lies about time or sends rubbish: told in words, then goes on."""

import numpy as np
import pytest
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from afformer_core.messages.image_encoding import jpeg_message
from afformer_ros.rclpy_messages import RclpyMessages

BEST_EFFORT = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    depth=1,
    reliability=QoSReliabilityPolicy.RELIABLE,
    durability=QoSDurabilityPolicy.TRANSIENT_LOCAL,
)


def _publish_images_by(client, kind, qos):
    """Have the camera of a client be another publisher, and wait until the node hears it."""
    client.node.destroy_publisher(client.images)
    client.images = client.node.create_publisher(kind, 'image', qos)
    client.wait(client.images.get_subscription_count, 'the subscription to the other publisher')


def test_a_camera_that_stops_is_told_and_its_return_is_grounded(active):
    active.record('press')
    active.ground(active.image_message(1))
    topic = active.images.topic_name
    active.told('grounding', f'no message has arrived on {topic} for')
    active.node.destroy_publisher(active.images)
    active.told('image', f'nobody publishes {topic} any more')
    active.images = active.node.create_publisher(Image, 'image', 10)
    active.ground(active.image_message(2))
    active.told('grounding', 'grounding', lambda: active.images.publish(active.image_message(3)))


def _damaged_jpegs(client):
    sound = jpeg_message(RclpyMessages(), client.image(1, 320, 240), client.header(1))
    data = bytes(sound.data)
    noise = np.random.default_rng(0).integers(0, 256, len(data), np.uint8).tobytes()
    damaged = {
        'no data': b'',
        'no image in it': noise,
        'half of the data': data[: len(data) // 2],
        'its head alone': data[:20],
    }
    return {
        what: CompressedImage(header=sound.header, format='jpeg', data=content)
        for what, content in damaged.items()
    }


def test_damaged_jpegs_are_told_and_the_next_sound_one_is_grounded(active):
    active.record('press')
    _publish_images_by(active, CompressedImage, 10)
    try:
        for number, (what, message) in enumerate(_damaged_jpegs(active).items(), 10):
            active.affordances.clear()
            active.told(
                'grounding', 'could not be grounded', lambda m=message: active.images.publish(m)
            )
            assert active.affordances == [], what
            sound = jpeg_message(RclpyMessages(), active.image(number), active.header(number))
            assert active.ground(sound).header == active.header(number), what
    finally:
        _publish_images_by(active, Image, 10)
    # The node follows the type of its publishers back, too.
    active.ground(active.image_message(1))


@pytest.mark.parametrize('offered', [RELIABLE, BEST_EFFORT, LATCHED])
def test_images_of_every_publisher_are_taken(active, offered):
    active.record('press')
    _publish_images_by(active, Image, offered)
    try:
        active.ground(active.image_message(1))
    finally:
        _publish_images_by(active, Image, 10)


@pytest.fixture(scope='module')
def strict_client(shared_nodes):
    """Client of a second node: images reliable by parameter, depth by an override of QoS."""
    shared_nodes.grounding(
        '/strict',
        store_folder=shared_nodes.store.parent / 'strict_store',
        diagnostics_period=0.2,
        image_qos='DEFAULT',
        **{'qos_overrides./strict/depth.subscription.reliability': 'reliable'},
    )
    client = shared_nodes.client('/strict')
    client.bring_up()
    return client


def test_reliable_takes_images_of_reliable_publishers_and_tells_of_others(strict_client):
    client = strict_client
    client.record('press')
    for offered in (RELIABLE, LATCHED):
        _publish_images_by(client, Image, offered)
        client.ground(client.image_message(1))
    client.node.destroy_publisher(client.images)
    client.images = client.node.create_publisher(Image, 'image', BEST_EFFORT)
    told = client.told(
        'image',
        '/strict/client offers image with BEST_EFFORT; expected RELIABLE. '
        'Set image_qos to AUTO or SENSOR_DATA',
        lambda: client.images.publish(client.image_message(2)),
    )
    assert told['reliability'] == 'RELIABLE'
    _publish_images_by(client, Image, RELIABLE)
    client.ground(client.image_message(3))


def test_two_nodes_do_not_disturb_each_other(active, strict_client):
    active.record('press')
    strict_client.record('hold')
    active.statuses.clear()
    for number in range(5):
        assert active.ground(active.image_message(20 + number)).demonstration == 'press'
        other = strict_client.ground(strict_client.image_message(10 + number))
        assert other.demonstration == 'hold'
    assert not any(one.header.stamp.sec >= 1002 for one in strict_client.affordances)
    assert strict_client.delete('hold').success
    active.spin(0.2)
    assert active.statuses == []
    assert active.list().names == ['press']
    assert active.ground(active.image_message(9)).demonstration == 'press'
