# SPDX-License-Identifier: Apache-2.0
"""A camera of 640 x 480 at 30 Hz with depth; `make test-slow PYTEST='-s -k soak'` shows times."""

import time
from statistics import median

import numpy as np
import psutil
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters
from sensor_msgs.msg import CameraInfo, Image

from afformer_core.messages.image_encoding import image_message
from afformer_ros.rclpy_messages import RclpyMessages

RATE = 30
WARM_UP = 10
METRES = 0.75
# Pools of allocators and of the middleware may still grow by a little; a leaked image of
# 900 kB in each of the 500 or more groundings of a minute would be hundreds of megabytes.
ALLOWED_GROWTH = 24 * 2**20
STAGES = ('preprocess', 'ground', 'postprocess', 'publish', 'overhead', 'end to end')


def _milliseconds(values):
    ordered = sorted(1000 * value for value in values)
    p95, p99 = (ordered[int(share * len(ordered))] for share in (0.95, 0.99))
    return (
        f'median {median(ordered):.1f}, 95 % {p95:.1f}, 99 % {p99:.1f}, '
        f'largest {ordered[-1]:.1f} ms'
    )


@pytest.fixture
def camera(nodes, shipped_model):
    """An active node that grounds a demonstration, its process and its client."""
    process = nodes.grounding(model=shipped_model, backend='auto', diagnostics_period=0.5)
    client = nodes.client()
    client.bring_up()
    client.record('press', 8)
    return process, client


class Watch:
    """Publishes images in time, asks for a parameter twice a second, and notes what comes back."""

    def __init__(self, client):
        self._client = client
        self._message = client.image_message(0, width=640, height=480)
        noise = np.random.default_rng(0).normal(0, 0.005 * METRES, (480, 640))
        self._depth = image_message(
            RclpyMessages(),
            np.rint(1000 * (METRES + noise)).astype(np.uint16),
            '16UC1',
            self._message.header,
        )
        self._info = CameraInfo(width=640, height=480)
        self._info.k = [500.0, 0.0, 319.5, 0.0, 500.0, 239.5, 0.0, 0.0, 1.0]
        self._depths = client.node.create_publisher(Image, 'depth', 10)
        self._infos = client.node.create_publisher(CameraInfo, 'camera_info', 10)
        self._parameters = client.node.create_client(GetParameters, 'grounding/get_parameters')
        self._future, self._sent = None, 0.0
        self.sources, self.ages, self.answers = set(), [], []
        self.latency, self.seen, self.wrong, self.located = {}, [], [], 0
        client.node.create_subscription(DiagnosticArray, '/diagnostics', self._measure, 10)
        client.wait(self._parameters.service_is_ready, 'the parameter service')
        client.affordances.clear()

    def _measure(self, message):
        self.latency = self._client.finding(message, 'latency')

    def publish(self):
        stamp = self._client.node.get_clock().now().to_msg()
        for message in (self._message, self._depth, self._info):
            message.header.stamp = stamp
            message.header.frame_id = 'camera'
        self.sources.add((stamp.sec, stamp.nanosec))
        self._depths.publish(self._depth)
        self._infos.publish(self._info)
        self._client.images.publish(self._message)

    def ask(self):
        if self._future is None and time.monotonic() - self._sent > 0.5:
            self._sent = time.monotonic()
            self._future = self._parameters.call_async(
                GetParameters.Request(names=['maximum_peaks'])
            )

    def note(self):
        if self._future is not None and self._future.done():
            self.answers.append(time.monotonic() - self._sent)
            self._future = None
        now = self._client.node.get_clock().now().nanoseconds * 1e-9
        for affordance in self._client.affordances:
            stamp = affordance.header.stamp
            key = (stamp.sec, stamp.nanosec)
            self.ages.append(now - stamp.sec - stamp.nanosec * 1e-9)
            self.seen.append(key)
            if key not in self.sources or affordance.header.frame_id != 'camera':
                self.wrong.append(affordance.header)
            self.located += bool(affordance.points) and affordance.points[0].position_valid
        self._client.affordances.clear()


def _run(camera, seconds):
    process, client = camera
    usage, memory, watch = psutil.Process(process.popen.pid), [], Watch(client)
    begin = time.monotonic()
    for number in range(seconds * RATE):
        watch.publish()
        watch.ask()
        while (left := begin + (number + 1) / RATE - time.monotonic()) > 0:
            client.spin(min(left, 0.002))
            watch.note()
        if number >= WARM_UP * RATE and number % RATE == 0:
            memory.append(usage.memory_info().rss)
    client.spin(1.0)
    watch.note()
    print(
        f'\n{len(watch.sources)} images, {len(watch.seen)} groundings, {watch.located} with a '
        f'position\nage of the result: {_milliseconds(watch.ages)}\n'
        f'parameter read: {_milliseconds(watch.answers)}, {len(watch.answers)} answered'
    )
    for stage in STAGES:
        figures = (watch.latency[f'{stage} {name} (ms)'] for name in ('p50', 'p95', 'max'))
        print('{}: p50 {}, p95 {}, max {} ms'.format(stage, *figures))
    print(
        f'memory: {memory[0] / 2**20:.1f} MiB after {WARM_UP} s, '
        f'{memory[-1] / 2**20:.1f} at the end, {max(memory) / 2**20:.1f} at most'
    )
    assert len(watch.seen) > seconds
    assert watch.wrong == []
    assert watch.seen == sorted(set(watch.seen))
    assert watch.located > len(watch.seen) / 2
    assert len(watch.answers) > seconds
    assert max(memory) - memory[0] < ALLOWED_GROWTH
    assert 'Traceback' not in process.output
    assert '[ERROR]' not in process.output


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_minute_of_camera(camera):
    _run(camera, 60)


@pytest.mark.soak
@pytest.mark.timeout(2100)
def test_half_an_hour_of_camera(camera):
    _run(camera, 1800)
