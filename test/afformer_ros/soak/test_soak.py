# SPDX-License-Identifier: Apache-2.0
"""A simulated camera of 640 x 480 at 30 Hz with depth; `make soak` shows times and memory.

With images of noise instead of the colours, the heatmap has as many peaks as may be published,
and each is measured in the depth: what the node does besides the model never takes longer.
`make soak MINUTES=60 RATE=30` says for how long, and how many images come in a second.
"""

import os
import signal
import time
from statistics import median

import numpy as np
import psutil
import pytest
from afformer_ros.msg import Affordance
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CameraInfo, Image

from afformer_core.cli.main import main

RATE = 30
SOAK_MINUTES = int(os.environ.get('SOAK_MINUTES', '60'))
SOAK_RATE = int(os.environ.get('SOAK_RATE', '30'))
SOAK_THREADS = int(os.environ.get('SOAK_THREADS', '0'))
# Share of the time in which pools of allocators, and the shared memory of publishers, fill.
WARM_UP = 1 / 6
# Bytes by which the resident memory may grow after the warm-up: of a minute, of which the warm-up
# is too short, and of an hour, in which 200 bytes leaked in each grounding would be more.
GROWTH_IN_A_MINUTE = 50_000_000
GROWTH_IN_A_SOAK = 20_000_000
OFF = {
    'minimum_presence': 0.0,
    'minimum_confidence': 0.0,
    'minimum_feature_similarity': -1.0,
    'minimum_continuity': -1.0,
}
STAGES = ('preprocess', 'ground', 'postprocess', 'publish', 'overhead', 'end to end')


def _milliseconds(values):
    ordered = sorted(1000 * value for value in values)
    p95, p99 = (ordered[int(share * len(ordered))] for share in (0.95, 0.99))
    return (
        f'median {median(ordered):.1f}, 95 % {p95:.1f}, 99 % {p99:.1f}, '
        f'largest {ordered[-1]:.1f} ms'
    )


@pytest.fixture
def recording(tmp_path):
    """A second of a simulated RGB-D camera that moves, and a demonstration; by topic."""
    arguments = ['--rgbd-bag', '--seed', '4', '--seconds', '1', '--size', '640x480']
    assert main(['simulate', str(tmp_path / 'recording'), *arguments]) == 0
    kinds = {'sensor_msgs/msg/Image': Image, 'sensor_msgs/msg/CameraInfo': CameraInfo}
    messages = {}
    with AnyReader([tmp_path / 'recording' / 'bag']) as reader:
        for connection, _, data in reader.messages():
            if connection.msgtype in kinds:
                message = deserialize_message(bytes(data), kinds[connection.msgtype])
                messages.setdefault(connection.topic, []).append(message)
    return messages


@pytest.fixture
def recording_of_noise(recording):
    """The same, but the camera sees noise where it measures the depth of the scene."""
    rng = np.random.default_rng(0)
    for image in recording['/camera/image']:
        image.data = rng.integers(0, 256, len(image.data), np.uint8).tobytes()
    return recording


def _ground(shipped_nodes, recording, **parameters):
    """An active node that grounds the demonstration; its process and its client."""
    # The window is bounded, since a node keeps the times of all images in it.
    process = shipped_nodes.grounding(
        **{'threads': 0, 'diagnostics_period': 10.0, 'latency_window': 300.0, **parameters}
    )
    client = shipped_nodes.client()
    client.bring_up()
    assert client.start('press').success
    for number, frame in enumerate(recording['/demonstration']):
        client.send_frame(frame, number + 1)
    assert client.finish().success
    return process, client


class Watch:
    """Publishes images in time, asks for a parameter twice a second, and notes what comes back."""

    def __init__(self, client, recording):
        self._client = client
        shots = zip(
            recording['/camera/image'],
            recording['/camera/depth'],
            recording['/camera/camera_info'],
            strict=True,
        )
        # There and back again: the camera never jumps.
        self._shots = (forth := list(shots)) + forth[-2:0:-1]
        self._count = 0
        self._depths = client.node.create_publisher(Image, 'depth', 10)
        self._infos = client.node.create_publisher(CameraInfo, 'camera_info', 10)
        self._parameters = client.node.create_client(GetParameters, 'grounding/get_parameters')
        self._future, self._sent = None, 0.0
        self.frame = self._shots[0][0].header.frame_id
        self.sources, self.ages, self.answers = set(), [], []
        self.latency, self.seen, self.wrong, self.located, self.peaks = {}, [], [], 0, 0
        client.node.create_subscription(Affordance, 'affordance', self._see, 10)
        client.node.create_subscription(DiagnosticArray, '/diagnostics', self._measure, 10)
        client.wait(self._parameters.service_is_ready, 'the parameter service')

    def _measure(self, message):
        self.latency = self._client.status_values(message, 'latency')

    def _see(self, affordance):
        stamp = affordance.header.stamp
        key = (stamp.sec, stamp.nanosec)
        now = self._client.node.get_clock().now().nanoseconds * 1e-9
        self.ages.append(now - stamp.sec - stamp.nanosec * 1e-9)
        self.seen.append(key)
        if key not in self.sources or affordance.header.frame_id != self.frame:
            self.wrong.append(affordance.header)
        self.located += bool(affordance.points) and affordance.points[0].position_valid
        self.peaks += len(affordance.points)

    def publish(self):
        image, depth, info = self._shots[self._count % len(self._shots)]
        self._count += 1
        stamp = self._client.node.get_clock().now().to_msg()
        for message in (image, depth, info):
            message.header.stamp = stamp
        self.sources.add((stamp.sec, stamp.nanosec))
        self._depths.publish(depth)
        self._infos.publish(info)
        self._client.images.publish(image)

    def ask(self):
        if self._future is None and time.monotonic() - self._sent > 0.5:
            self._sent = time.monotonic()
            self._future = self._parameters.call_async(
                GetParameters.Request(names=['maximum_peaks'])
            )
            self._future.add_done_callback(self._answered)

    def _answered(self, _):
        self.answers.append(time.monotonic() - self._sent)
        self._future = None


def _stolen(since):
    """Share of the processors' time that the host of a virtual machine gave to others."""
    spent = [now - before for now, before in zip(psutil.cpu_times(), since, strict=True)]
    named = dict(zip(since._fields, spent, strict=True))
    return named.get('steal', 0.0) / sum(spent)


def _run(process, client, recording, seconds, rate, allowed_growth):
    watch, times = Watch(client, recording), psutil.cpu_times()
    usage, memory = psutil.Process(process.popen.pid), []
    begin, period = time.monotonic(), min(60.0, seconds / 12)
    number = 0
    # By time, not by number: on a slow machine fewer images are published.
    while time.monotonic() < begin + seconds:
        watch.publish()
        watch.ask()
        number += 1
        client.spin(begin + number / rate - time.monotonic())
        client.affordances.clear()
        if (passed := time.monotonic() - begin) >= len(memory) * period:
            memory.append((passed, usage.memory_info()))
    # Until the diagnostics have told of all images.
    client.spin(12.0)
    print(
        f'\n{len(watch.sources)} images, {len(watch.seen)} groundings, {watch.located} with a '
        f'position, {watch.peaks / len(watch.seen):.1f} peaks each\n'
        f'age of the result: {_milliseconds(watch.ages)}\n'
        f'parameter read: {_milliseconds(watch.answers)}, {len(watch.answers)} answered\n'
        f'of the time of the processors, {_stolen(times):.0%} went to other virtual machines'
    )
    for stage in STAGES:
        figures = (watch.latency[f'{stage} {name} (ms)'] for name in ('p50', 'p95', 'max'))
        print('{}: p50 {}, p95 {}, max {} ms'.format(stage, *figures))
    for passed, sizes in memory:
        print(
            f'minute {passed / 60:.1f}: {sizes.rss / 1e6:.1f} MB resident, of which '
            f'{sizes.shared / 1e6:.1f} MB are files and shared memory'
        )
    warm = next(sizes for passed, sizes in memory if passed >= WARM_UP * seconds)
    growth = memory[-1][1].rss - warm.rss
    print(f'growth after the first {WARM_UP * seconds / 60:.1f} minutes: {growth / 1e6:.1f} MB')
    assert len(watch.seen) > seconds
    assert watch.wrong == []
    assert watch.seen == sorted(set(watch.seen))
    # In half of the images the peak of this scene lies at the edge of the button.
    assert watch.located > 2 / 5 * len(watch.seen)
    assert len(watch.answers) > seconds
    assert growth < allowed_growth
    assert process.stop(signal.SIGINT) == 0
    assert 'Traceback' not in process.output
    assert '[ERROR]' not in process.output


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_minute_of_camera(shipped_nodes, recording):
    thresholds = {
        'minimum_presence': -1.0,
        'minimum_confidence': 0.2,
        'minimum_feature_similarity': 0.7,
    }
    process, client = _ground(shipped_nodes, recording, **thresholds)
    _run(process, client, recording, 60, RATE, GROWTH_IN_A_MINUTE)


@pytest.mark.soak
@pytest.mark.timeout(60 * SOAK_MINUTES + 300)
def test_a_long_time_of_noise(shipped_nodes, recording_of_noise):
    process, client = _ground(shipped_nodes, recording_of_noise, threads=SOAK_THREADS, **OFF)
    _run(process, client, recording_of_noise, 60 * SOAK_MINUTES, SOAK_RATE, GROWTH_IN_A_SOAK)
