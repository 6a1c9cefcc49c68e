# SPDX-License-Identifier: Apache-2.0
"""Arrival of a camera's images, by its reliability and the transports of its process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from test.afformer_ros.grounding_client import Client
from test.afformer_ros.grounding_nodes import Nodes

CAMERA = Path(__file__).parent / 'camera_process.py'
# The second is the name before Fast DDS 3.
PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
VARIABLES = ('FASTDDS_BUILTIN_TRANSPORTS', *PROFILES)
OURS = dict.fromkeys(PROFILES, str(CAMERA.parents[2] / 'config' / 'fastdds.xml'))
DEFAULTS: dict[str, str] = {}
RATE, SIZE = 20.0, (640, 480)


@pytest.fixture(scope='module', autouse=True)
def _own_domain() -> Iterator[None]:
    """A domain in which no earlier test has left ports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('ROS_DOMAIN_ID', str(100 + int(os.environ['ROS_DOMAIN_ID'])))
        yield


@pytest.fixture
def start_camera() -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts a camera with transports by environment variables; it ends with the test."""
    with ExitStack() as stack:

        def start(topic, reliability, transports, count, rate=RATE, size=SIZE):
            kept = {key: value for key, value in os.environ.items() if key not in VARIABLES}
            process = subprocess.Popen(
                [sys.executable, CAMERA, topic, reliability, *map(str, (count, rate, *size))],
                env={**kept, **transports},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.wait, 10)
            stack.callback(process.communicate)
            return process

        yield start


@pytest.fixture(scope='module')
def grounding_client(shipped_model, tmp_path_factory) -> Iterator[Client]:
    """Client of a node that grounds what it gets, and has no camera yet."""
    with closing(Nodes(shipped_model, tmp_path_factory.mktemp('transports'))) as nodes:
        nodes.grounding('/transports', diagnostics_period=0.2)
        client = nodes.client('/transports')
        client.bring_up()
        client.record('press')
        client.node.destroy_publisher(client.images)
        yield client


def _count(client: Client, name: str) -> int:
    """The images that the node tells as `received` or `lost`."""
    return int(client.told('image', '')[name])


@pytest.mark.slow
def test_of_a_reliable_camera_at_least_118_of_120_images_arrive(grounding_client, start_camera):
    before = _count(grounding_client, 'received')
    camera = start_camera('/transports/image', 'RELIABLE', OURS, 120)
    assert camera.stdout.readline() == 'all images are sent\n'
    grounding_client.wait(
        lambda: _count(grounding_client, 'received') - before >= 118, 'the arrival of 118 images'
    )
    told = grounding_client.told('image', '')
    assert told['reliability'] == 'RELIABLE'
    assert 'lost on the way' not in told['message']


def test_lost_images_are_told_with_their_number_and_the_remedy(grounding_client, start_camera):
    before = _count(grounding_client, 'lost'), _count(grounding_client, 'received')
    camera = start_camera('/transports/image', 'BEST_EFFORT', DEFAULTS, 60)
    told = grounding_client.told('image', 'on /transports/image were lost on the way')
    assert 'config/fastdds.xml' in told['message']
    assert camera.stdout.readline() == 'all images are sent\n'
    received = _count(grounding_client, 'received') - before[1]
    assert 2 < _count(grounding_client, 'lost') - before[0] <= 60 - received
