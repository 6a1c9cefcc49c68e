# SPDX-License-Identifier: Apache-2.0
"""A node that messages no longer reach, and one that is stopped for a while."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image

from afformer_core.messages.image_encoding import image_message as encode_image
from afformer_ros.rclpy_messages import RclpyMessages
from afformer_ros.transport_watch import SharedMemoryPorts
from test.afformer_ros.grounding_client import Client

SHARED_MEMORY = Path('/dev/shm')
RATE = 15.0


def _take_shared_memory_away(pid: int) -> None:
    """Remove the files of a process's ports, as a process does that takes their owner for dead."""
    ports = SharedMemoryPorts(Path(f'/proc/{pid}'))
    ports.check()
    assert ports.own
    for name in ports.own:
        (SHARED_MEMORY / name).unlink()


def _remove_ports(domain: int) -> None:
    first = 7400 + 250 * domain
    for number in range(first, first + 250):
        for path in SHARED_MEMORY.glob(f'fast*_port{number}*'):
            path.unlink(missing_ok=True)


@pytest.fixture
def _own_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A domain in which neither earlier nor later tests have ports."""
    domain = 160 + int(os.environ['ROS_DOMAIN_ID'])
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    _remove_ports(domain)
    yield
    _remove_ports(domain)


@pytest.mark.slow
@pytest.mark.usefixtures('_own_domain')
def test_a_node_that_no_message_reaches_ends_and_grounds_after_another_start(nodes) -> None:
    parameters = {'diagnostics_period': 0.2, 'transport_loss_timeout': 6.5}
    process = nodes.grounding(**parameters)
    client = nodes.client()
    client.bring_up()
    client.record('press')
    client.told('transport', 'messages reach the node')

    _take_shared_memory_away(process.popen.pid)

    assert 'respawn:=true' in client.told('transport', 'have not reached the node')['message']
    assert process.wait() == 75
    assert 'the process ends with status 75' in process.output

    nodes.grounding(**parameters)
    # Like a launch file, it asks the new process until it answers.
    nodes.client().bring_up()
    assert client.ground(client.image_message(3)).demonstration == 'press'


class Camera:
    """A camera of 640 x 480 with depth, and of what it showed the node grounds."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._depths = client.node.create_publisher(Image, 'depth', 5)
        self._infos = client.node.create_publisher(CameraInfo, 'camera_info', 5)
        self._depth = np.full((480, 640), 830, np.uint16)
        self._number = 0

    def publish(self, seconds: float) -> None:
        """Publish images for some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._publish()

    def await_grounding(self) -> None:
        """Publish until an image from now on is grounded."""
        first = self._number
        self._client.affordances.clear()

        def grounded() -> bool:
            self._publish()
            numbers = (int(one.header.frame_id) for one in self._client.affordances)
            return any(number >= first for number in numbers)

        self._client.wait(grounded, 'the grounding of an image')

    def _publish(self) -> None:
        image = self._client.image_message(self._number % 5, str(self._number), 640, 480)
        depth = encode_image(RclpyMessages(), self._depth, '16UC1', image.header)
        image.header.stamp = depth.header.stamp = self._client.node.get_clock().now().to_msg()
        self._depths.publish(depth)
        self._infos.publish(CameraInfo(header=image.header, width=640, height=480))
        self._client.images.publish(image)
        self._number += 1
        self._client.spin(1.0 / RATE)


def test_a_node_that_was_stopped_grounds_again(nodes) -> None:
    process = nodes.grounding(transport_loss_timeout=3.0)
    client = nodes.client()
    client.bring_up()
    client.record('press')
    camera = Camera(client)
    camera.await_grounding()
    process.popen.send_signal(signal.SIGSTOP)
    camera.publish(3.5)
    process.popen.send_signal(signal.SIGCONT)
    camera.await_grounding()
    assert process.popen.poll() is None
