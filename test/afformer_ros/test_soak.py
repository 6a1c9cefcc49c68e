# SPDX-License-Identifier: Apache-2.0
"""A minute of a camera of 640 x 480 at 30 Hz; `make test-slow PYTEST='-s -k soak'` shows times."""

import struct
import time
from statistics import median

import cv2
import numpy as np
import psutil
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters
from sensor_msgs.msg import Image

SECONDS = 60
WARM_UP = 10
# Pools of allocators and of the middleware may still grow by a little; a leaked image of
# 900 kB in each of the 500 or more groundings would be hundreds of megabytes.
ALLOWED_GROWTH = 24 * 2**20


def _stamp_of(data):
    """Stamp of a serialized message that begins with a header: after 4 bytes of encapsulation."""
    return struct.unpack_from('<iI', data, 4)


def _milliseconds(values):
    ordered = sorted(1000 * value for value in values)
    return f'median {median(ordered):.1f} ms, largest {ordered[-1]:.1f} ms'


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_minute_of_camera(nodes, shipped_model, tmp_path):
    cv2.imwrite(
        str(tmp_path / 'still.png'),
        np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8),
    )
    process = nodes.grounding(
        model=shipped_model, backend='auto', threads=0, diagnostics_period=0.5
    )
    client = nodes.client()
    client.node.destroy_publisher(client.images)
    sources, ages, heatmaps, times = set(), [], [], []
    client.node.create_subscription(
        Image, 'image', lambda data: sources.add(_stamp_of(data)), 100, raw=True
    )
    client.node.create_subscription(
        Image, 'heatmap', lambda data: heatmaps.append(_stamp_of(data)), 100, raw=True
    )

    def measure(message):
        values = {value.key: value.value for value in message.status[0].values}
        if 'ground (ms)' in values:
            stages = ('convert', 'ground', 'publish')
            times.append(sum(float(values[f'{stage} (ms)']) for stage in stages) / 1000)

    client.node.create_subscription(DiagnosticArray, '/diagnostics', measure, 10)
    assert client.change_state(1)
    assert client.change_state(3)
    client.wait(client.frames.get_subscription_count, 'the subscription to demonstration')
    client.record('press', 8)
    nodes.process(
        'afformer_ros.player',
        [
            '--ros-args',
            '-r',
            '__ns:=/test',
            '-p',
            f'path:={tmp_path}/still.png',
            '-p',
            'rate:=30.0',
            '-p',
            'loop:=true',
            '-p',
            'wait_for_subscribers:=2',
        ],
    )
    client.wait(lambda: client.affordances, 'the first affordance')
    memory, answers = [], []
    usage = psutil.Process(process.popen.pid)
    parameters = client.node.create_client(GetParameters, 'grounding/get_parameters')
    begin, seen = time.monotonic(), len(client.affordances)
    while (elapsed := time.monotonic() - begin) < SECONDS:
        sent = time.monotonic()
        future = parameters.call_async(GetParameters.Request(names=['maximum_peaks']))
        end = sent + 0.5
        while time.monotonic() < end:
            client.spin(0.002)
            if future is not None and future.done():
                answers.append(time.monotonic() - sent)
                future = None
            now = client.node.get_clock().now().nanoseconds * 1e-9
            for affordance in client.affordances[seen:]:
                stamp = affordance.header.stamp
                ages.append(now - stamp.sec - stamp.nanosec * 1e-9)
            seen = len(client.affordances)
        if elapsed > WARM_UP:
            memory.append(usage.memory_info().rss)
    print(
        f'\n{len(sources)} images, {len(client.affordances)} groundings\n'
        f'grounding: {_milliseconds(times)}\nage of the result: {_milliseconds(ages)}\n'
        f'parameter read: {_milliseconds(answers)}, {len(answers)} answered\n'
        f'memory: {memory[0] / 2**20:.1f} MiB after {WARM_UP} s, {memory[-1] / 2**20:.1f} at the '
        f'end, {max(memory) / 2**20:.1f} at most'
    )
    published = [(a.header.stamp.sec, a.header.stamp.nanosec) for a in client.affordances]
    client.spin(1.0)
    assert len(published) > SECONDS
    assert set(published) <= sources
    assert set(heatmaps) <= sources
    assert published == sorted(set(published))
    assert len(answers) >= 0.9 * 2 * SECONDS
    assert max(memory) - memory[0] < ALLOWED_GROWTH
