# SPDX-License-Identifier: Apache-2.0
"""The node as its users meet it: a process of its own behind DDS."""

import time

import numpy as np
import pytest
from afformer_ros.msg import DemonstrationStatus
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import Image
from visualization_msgs.msg import Marker, MarkerArray

from afformer_core.messages.image_decoding import to_rgb


@pytest.fixture
def collect(active):
    """Subscribes to a topic of the node; gives the list that fills."""
    subscriptions = []

    def subscribe(kind, topic):
        messages = []
        subscription = active.node.create_subscription(kind, topic, messages.append, 100)
        subscriptions.append(subscription)
        if topic != '/diagnostics':
            active.wait(lambda: active.node.count_publishers(subscription.topic_name), topic)
        return messages

    yield subscribe
    for subscription in subscriptions:
        active.node.destroy_subscription(subscription)


def test_grounding(active):
    answer = active.record('press', 4)
    assert (answer.name, answer.frames, answer.frames_kept) == ('press', 4, 4)
    assert answer.duration == pytest.approx(0.3, abs=1e-3)
    affordance = active.ground(active.image_message(7, 'camera_optical'))
    assert affordance.header == active.header(7, 'camera_optical')
    assert affordance.demonstration == 'press'
    assert sorted(action.name for action in affordance.actions) == ['hold', 'press', 'push']
    assert affordance.found
    assert 0 <= affordance.points[0].u <= 63
    assert 0 <= affordance.points[0].v <= 47
    assert not affordance.points[0].position_valid


def test_images_carry_the_header_and_the_size_of_the_image(active, collect):
    heatmaps, overlays = collect(Image, 'heatmap'), collect(Image, 'overlay')
    markers = collect(MarkerArray, 'markers')
    active.record('press')
    message = active.image_message(3, 'left_camera', width=50, height=30)

    def arrived():
        active.ground(message)
        return heatmaps and overlays and markers

    active.wait(arrived, 'heatmap, overlay and markers')
    heatmap = heatmaps[-1]
    assert heatmap.header == overlays[-1].header == message.header
    assert (heatmap.encoding, heatmap.width, heatmap.height, heatmap.step) == (
        '32FC1',
        50,
        30,
        200,
    )
    assert np.frombuffer(heatmap.data, np.float32).sum() == pytest.approx(1, abs=1e-3)
    assert (overlays[-1].encoding, overlays[-1].width, overlays[-1].height) == ('rgb8', 50, 30)
    difference = np.abs(to_rgb(overlays[-1]).astype(int) - active.image(3, 50, 30))
    assert 0 < np.median(difference) < 120
    assert {marker.header.frame_id for marker in markers[-1].markers} == {'left_camera'}
    assert markers[-1].markers[0].action == Marker.DELETEALL


def test_images_before_any_demonstration_give_a_reason_and_no_result(active, collect):
    diagnostics = collect(DiagnosticArray, '/diagnostics')

    def told():
        active.images.publish(active.image_message(1))
        active.spin(0.1)
        return diagnostics and int(active.status_values(diagnostics[-1], 'image')['received'])

    active.wait(told, 'diagnostics')
    assert active.affordances == []
    assert diagnostics[-1].status[0].level == DiagnosticStatus.WARN
    assert 'select' in diagnostics[-1].status[0].message


def test_an_image_that_came_before_the_selection_is_grounded(active):
    active.record('press')
    active.delete('press')
    active.images.publish(active.image_message(5))
    active.spin(0.5)
    active.record('hold')
    active.wait(
        lambda: active.header(5) in [affordance.header for affordance in active.affordances],
        'the affordance of the image',
    )


def test_finish_without_frames(active):
    assert active.start('empty').success
    answer = active.finish()
    assert not answer.success
    assert 'has no frame' in answer.message
    active.wait(
        lambda: active.statuses and active.statuses[-1].state == DemonstrationStatus.FAILED,
        'the failure in the status',
    )
    assert active.record('next').success


def test_a_bad_frame_is_left_out_and_told(active):
    assert active.start('press').success
    active.frames.publish(Image(encoding='rgb8'))
    active.wait(lambda: 'left out' in active.statuses[-1].message, 'the bad frame in the status')
    active.send_frames(2)
    answer = active.finish()
    assert answer.frames == 2
    assert '1 frames could not be read' in answer.message


def test_names_are_chosen_and_checked(active):
    assert active.start('').success
    active.send_frames(1)
    assert active.finish().name == 'demonstration_1'
    assert not active.start('../escape').success
    assert active.list().names == ['demonstration_1']


def test_select_and_list(active):
    active.record('press')
    active.record('hold')
    listed = active.list()
    assert (listed.names, listed.selected) == (['press', 'hold'], 'hold')
    assert active.select('press').success
    assert active.ground(active.image_message(1)).demonstration == 'press'
    answer = active.select('absent')
    assert not answer.success
    assert 'there are: press, hold' in answer.message
    assert active.list().selected == 'press'


def test_deleting_the_selected_demonstration_while_grounding(active):
    active.record('press')
    for number in range(30):
        active.images.publish(active.image_message(number))
        if number == 15:
            assert active.delete('press').success
    active.wait(
        lambda: (
            active.statuses[-1].state == DemonstrationStatus.IDLE
            and 'was deleted' in active.statuses[-1].message
        ),
        'the empty selection in the status',
    )
    assert active.list().selected == ''
    active.spin(0.5)
    count = len(active.affordances)
    active.images.publish(active.image_message(50))
    active.spin(0.5)
    assert len(active.affordances) == count
    active.record('again')
    assert active.ground(active.image_message(51)).demonstration == 'again'


def test_the_status_is_latched(active, shared_nodes):
    active.record('press', 2)
    late = shared_nodes.client('/shared')
    late.wait(lambda: late.statuses, 'the latched status')
    status = late.statuses[-1]
    assert (status.state, status.name, status.selected) == (
        DemonstrationStatus.READY,
        'press',
        'press',
    )
    assert (status.frames, status.frames_kept, status.hands_seen) == (2, 2, 0)


def test_what_cannot_be_loaded(active, shared_nodes):
    media = shared_nodes.store.parent / 'media'
    (media / 'empty.mp4').write_bytes(b'')
    (media / 'text.mp4').write_bytes(b'cannot be read as a video')
    (media / 'nothing').mkdir(exist_ok=True)
    (media / 'link').unlink(missing_ok=True)
    (media / 'link').symlink_to('/etc')
    for path, message in {
        'absent.mp4': 'does not exist; expected a video file',
        'empty.mp4': 'is empty',
        'text.mp4': 'cannot be read as a video',
        'nothing': 'contains 0 frames',
        '../store': 'may not be read',
        'link/passwd': 'may not be read',
    }.items():
        answer = active.load(media / path)
        assert not answer.success
        assert message in answer.message
    assert active.list().names == []


def test_nothing_queues(active):
    active.record('press')
    active.ground(active.image_message(0))
    active.affordances.clear()
    for number in range(1, 200):
        active.images.publish(active.image_message(number, width=320, height=240))
        time.sleep(0.002)
    active.wait(
        lambda: active.affordances and active.affordances[-1].header == active.header(199),
        'the newest image',
    )
    active.spin(0.5)
    stamps = [(a.header.stamp.sec, a.header.stamp.nanosec) for a in active.affordances]
    assert stamps == sorted(set(stamps))
    assert len(stamps) < 199


def test_parameters_take_effect_while_grounding(active):
    active.record('press')
    active.ground(active.image_message(1))
    assert 'Clean the node up' in active.set_parameter('model', '/elsewhere').reason
    assert active.set_parameter('minimum_confidence', 1.0).successful
    try:
        # Later than anything is held.
        affordance = active.ground(active.image_message(99))
        assert (affordance.found, affordance.points) == (False, [])
        assert affordance.actions
    finally:
        assert active.set_parameter('minimum_confidence', 0.0).successful
