# SPDX-License-Identifier: Apache-2.0
"""The player as a process of its own."""

import signal

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

from afformer_core.media.video import write_video
from afformer_core.messages.image_decoding import to_rgb


@pytest.fixture
def play(nodes):
    """Plays something to a subscriber; gives the process and the list that fills."""

    def start(path, kind=Image, **parameters):
        client = nodes.client('/playing')
        messages = []
        client.node.create_subscription(kind, 'played', messages.append, 100)
        values = {'path': path, 'wait_for_subscribers': 1, **parameters}
        arguments = ['--ros-args', '-r', '__ns:=/playing', '-r', 'image:=played']
        for name, value in values.items():
            arguments += ['-p', f'{name}:={value}']
        return nodes.process('afformer_ros.executables.player', arguments), client, messages

    return start


def _seconds(messages):
    return [m.header.stamp.sec + m.header.stamp.nanosec * 1e-9 for m in messages]


def _grey(level):
    return np.full((48, 64, 3), level, np.uint8)


def test_a_video_keeps_its_times(play, tmp_path):
    write_video(tmp_path / 'clip.mp4', [_grey(20 * n) for n in range(10)], 20)
    process, client, messages = play(tmp_path / 'clip.mp4', frame_id='demonstrator')
    client.wait(lambda: len(messages) == 10, 'ten frames')
    assert process.wait() == 0
    told = (
        f'playing {tmp_path / "clip.mp4"} (64 x 48) on /playing/played at the times of the video'
    )
    assert told in process.output
    assert np.diff(_seconds(messages)) == pytest.approx([0.05] * 9, abs=1e-4)
    assert {message.header.frame_id for message in messages} == {'demonstrator'}
    levels = [int(to_rgb(message).mean()) for message in messages]
    assert levels == pytest.approx([20 * n for n in range(10)], abs=6)


def test_a_folder_at_a_rate_in_order_of_names(play, tmp_path):
    for name, level in (('b', 200), ('a', 100), ('c', 0)):
        cv2.imwrite(str(tmp_path / f'{name}.png'), _grey(level))
    process, client, messages = play(tmp_path, rate=50.0)
    client.wait(lambda: len(messages) == 3, 'three frames')
    assert process.wait() == 0
    assert f"{tmp_path} (64 x 48) on /playing/played at 50 images per second, frame 'camera'" in (
        process.output
    )
    assert [int(to_rgb(message)[0, 0, 0]) for message in messages] == [100, 200, 0]
    assert np.diff(_seconds(messages)) == pytest.approx([0.02] * 2, abs=1e-4)


@pytest.mark.slow
def test_an_image_as_a_camera_without_drift(play, tmp_path):
    cv2.imwrite(str(tmp_path / 'still.png'), _grey(90))
    process, client, messages = play(tmp_path / 'still.png', rate=30.0, loop=True)
    client.wait(lambda: len(messages) >= 45, 'forty-five images')
    times = np.array(_seconds(messages))
    assert np.diff(times) == pytest.approx([1 / 30] * (len(times) - 1), abs=1e-4)
    assert process.stop(signal.SIGINT) == 0


def test_a_loop_goes_on_with_the_same_spacing(play, tmp_path):
    write_video(tmp_path / 'clip.mp4', [_grey(0), _grey(120), _grey(240)], 20)
    process, client, messages = play(tmp_path / 'clip.mp4', loop=True)
    client.wait(lambda: len(messages) >= 8, 'eight frames')
    assert np.diff(_seconds(messages[:8])) == pytest.approx([0.05] * 7, abs=1e-3)
    assert process.stop(signal.SIGTERM) == 0


@pytest.mark.slow
def test_simulated_time_is_waited_for(play, tmp_path):
    write_video(tmp_path / 'clip.mp4', [_grey(0), _grey(120), _grey(240)], 20)
    process, client, messages = play(
        tmp_path / 'clip.mp4', use_sim_time=True, wait_for_subscribers=0
    )
    clock = client.node.create_publisher(Clock, '/clock', 10)
    client.wait(clock.get_subscription_count, 'the subscription to /clock')
    client.wait(lambda: client.node.count_publishers('played'), 'the player')
    client.spin(1.0)
    assert messages == []
    for milliseconds in range(0, 1000, 10):
        clock.publish(Clock(clock=Time(sec=1000, nanosec=milliseconds * 10**6)))
        client.spin(0.02)
    assert process.wait() == 0
    times = _seconds(messages)
    assert 1000 <= times[0] < 1001
    assert np.diff(times) == pytest.approx([0.05] * 2, abs=1e-4)


def test_without_simulated_time_it_can_be_ended(play, tmp_path):
    cv2.imwrite(str(tmp_path / 'still.png'), _grey(90))
    process, client, messages = play(
        tmp_path / 'still.png', use_sim_time=True, wait_for_subscribers=0
    )
    client.wait(lambda: client.node.count_publishers('played'), 'the player')
    client.spin(0.5)
    assert process.stop(signal.SIGINT) == 0
    assert messages == []


def test_compressed_images(play, tmp_path):
    cv2.imwrite(str(tmp_path / 'still.png'), _grey(90))
    process, client, messages = play(
        tmp_path / 'still.png', CompressedImage, transport='compressed'
    )
    client.wait(lambda: messages, 'an image')
    assert to_rgb(messages[0]).shape == (48, 64, 3)
    assert process.wait() == 0


def test_what_cannot_be_played(nodes, tmp_path):
    (tmp_path / 'empty.mp4').write_bytes(b'')
    (tmp_path / 'text.png').write_bytes(b'no image')
    expected = {
        f'path:={tmp_path}/absent.mp4': 'does not exist; expected a video file',
        f'path:={tmp_path}/empty.mp4': 'is empty',
        f'path:={tmp_path}/text.png': 'cannot be read as an image',
        'rate:=30.0': 'no path was given',
        'rate:=-1.0': 'range',
    }
    processes = [
        nodes.process('afformer_ros.executables.player', ['--ros-args', '-p', argument])
        for argument in expected
    ]
    for process, message in zip(processes, expected.values(), strict=True):
        assert process.wait() == 1
        assert message in process.output
        assert 'Traceback' not in process.output
