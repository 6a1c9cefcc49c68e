# SPDX-License-Identifier: Apache-2.0
"""RViz starts in the frame of the images, as a process that tells its arguments in its place."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

REMAPPED = ['--ros-args', '-r', '/image:=/head/image', '-r', '__ns:=/robot']


@pytest.fixture
def rviz2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package `rviz2` whose program prints its arguments."""
    program = tmp_path / 'prefix' / 'lib' / 'rviz2' / 'rviz2'
    entry = tmp_path / 'prefix' / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'rviz2'
    for path in (program, entry):
        path.parent.mkdir(parents=True)
    entry.touch()
    program.write_text('#!/bin/sh\necho "rviz2 $*"\n')
    program.chmod(0o755)
    monkeypatch.setenv(
        'AMENT_PREFIX_PATH', f'{tmp_path / "prefix"}:{os.environ["AMENT_PREFIX_PATH"]}'
    )


@pytest.mark.usefixtures('rviz2')
@pytest.mark.parametrize(
    ('kind', 'frame', 'arguments'),
    [
        (Image, 'camera_color_optical_frame', ['--fixed-frame', 'camera_color_optical_frame']),
        (CompressedImage, 'left_camera', ['--fixed-frame', 'left_camera']),
        (Image, '', []),
    ],
    ids=['raw', 'compressed', 'without a frame'],
)
def test_the_fixed_frame_is_that_of_the_first_image(nodes, kind, frame, arguments):
    client = nodes.client('/head', kind)
    given = ['--display-config', 'my.rviz', '--fixed-frame', 'auto']
    process = nodes.process('afformer_ros.executables.rviz', [*given, *REMAPPED])

    def started():
        client.images.publish(kind(header=Header(frame_id=frame)))
        return process.popen.poll() is not None

    client.wait(started, 'RViz')
    expected = ['rviz2', *arguments, '--display-config', 'my.rviz', *REMAPPED]
    assert process.output.splitlines()[-1] == ' '.join(expected)


@pytest.mark.usefixtures('rviz2')
def test_a_frame_that_is_given_is_not_waited_for(nodes):
    process = nodes.process(
        'afformer_ros.executables.rviz', ['-f', 'base_link', '-d', 'my.rviz', *REMAPPED]
    )
    assert process.wait() == 0
    assert process.output == f'rviz2 --fixed-frame base_link -d my.rviz {" ".join(REMAPPED)}\n'


@pytest.mark.usefixtures('rviz2')
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_ended_while_it_waits(nodes, number):
    process = nodes.process('afformer_ros.executables.rviz', REMAPPED)
    nodes.client('/head').wait(lambda: 'first image on /head/image' in process.output, 'the wait')
    assert process.stop(number) == 0
    assert 'Traceback' not in process.output


def test_without_rviz2_it_says_what_to_install(nodes, monkeypatch):
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    process = nodes.process('afformer_ros.executables.rviz', REMAPPED)
    assert process.wait() == 1
    assert process.output == (
        'afformer: error: rviz2 is not installed. Run: sudo apt install ros-jazzy-rviz2\n'
    )
