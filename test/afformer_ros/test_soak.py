# SPDX-License-Identifier: Apache-2.0
"""A minute of a camera of 640 x 480 at 30 Hz; `make test-slow PYTEST='-s -k soak'` shows times."""

import time
from statistics import median

import psutil
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters

SECONDS = 60
RATE = 30
WARM_UP = 10
# Pools of allocators and of the middleware may still grow by a little; a leaked image of
# 900 kB in each of the 500 or more groundings would be hundreds of megabytes.
ALLOWED_GROWTH = 24 * 2**20


def _milliseconds(values):
    ordered = sorted(1000 * value for value in values)
    high = ordered[int(0.99 * len(ordered))]
    return f'median {median(ordered):.1f}, 99 % {high:.1f}, largest {ordered[-1]:.1f} ms'


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
        self._parameters = client.node.create_client(GetParameters, 'grounding/get_parameters')
        self._future, self._sent, self._seen = None, 0.0, 0
        self.sources, self.ages, self.answers, self.times = set(), [], [], []
        client.node.create_subscription(DiagnosticArray, '/diagnostics', self._measure, 10)
        client.wait(self._parameters.service_is_ready, 'the parameter service')
        client.affordances.clear()

    def _measure(self, message):
        values = {value.key: value.value for value in message.status[0].values}
        if 'ground (ms)' in values:
            stages = ('convert', 'ground', 'publish')
            self.times.append(sum(float(values[f'{stage} (ms)']) for stage in stages) / 1000)

    def publish(self):
        stamp = self._client.node.get_clock().now().to_msg()
        self._message.header.stamp = stamp
        self.sources.add((stamp.sec, stamp.nanosec))
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
        for affordance in self._client.affordances[self._seen :]:
            stamp = affordance.header.stamp
            self.ages.append(now - stamp.sec - stamp.nanosec * 1e-9)
        self._seen = len(self._client.affordances)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_minute_of_camera(camera):
    process, client = camera
    usage, memory, watch = psutil.Process(process.popen.pid), [], Watch(client)
    begin = time.monotonic()
    for number in range(SECONDS * RATE):
        watch.publish()
        watch.ask()
        while (left := begin + (number + 1) / RATE - time.monotonic()) > 0:
            client.spin(min(left, 0.002))
            watch.note()
        if number >= WARM_UP * RATE and number % RATE == 0:
            memory.append(usage.memory_info().rss)
    client.spin(1.0)
    print(
        f'\n{len(watch.sources)} images, {len(client.affordances)} groundings\n'
        f'grounding: {_milliseconds(watch.times)}\nage of the result: '
        f'{_milliseconds(watch.ages)}\nparameter read: {_milliseconds(watch.answers)}, '
        f'{len(watch.answers)} answered\nmemory: {memory[0] / 2**20:.1f} MiB after {WARM_UP} s, '
        f'{memory[-1] / 2**20:.1f} at the end, {max(memory) / 2**20:.1f} at most'
    )
    published = [(a.header.stamp.sec, a.header.stamp.nanosec) for a in client.affordances]
    assert len(published) > SECONDS
    assert set(published) <= watch.sources
    assert published == sorted(set(published))
    assert len(watch.answers) > SECONDS
    assert max(memory) - memory[0] < ALLOWED_GROWTH
