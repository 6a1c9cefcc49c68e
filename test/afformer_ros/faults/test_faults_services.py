# SPDX-License-Identifier: Apache-2.0
"""Services and transitions in any order and number: the node stays, and answers in sentences."""

import random
import re
import signal

import cv2
import psutil
import pytest
from lifecycle_msgs.msg import Transition

from afformer_ros.interfaces import SERVICES

CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP
NAMES = (
    *(('', 'press', 'hold') * 5),
    *('press+hold', 'absent', 'press+press', '+', 'a+', '\0', 'sane'),
    *('../escape', '/etc/passwd', '.hidden', 'a/b', 'press.mcap', 'x' * 300, ' ', 'ü', '\n', '~'),
)
# What a Python exception looks like that nobody put into words.
UNWORDED = re.compile(r'Traceback|^\w*(Error|Exception)\b|object at 0x')
ALLOWED_GROWTH = 16 * 2**20
# The same after everything in any order; a heap for each thread would take hundreds.
FUZZED_GROWTH = 64 * 2**20
# Those that answer services begin one after the other, as calls meet.
SERVICE_THREADS = 8
# Seconds after which the middleware has lost an answer, and the calls of which it may lose one.
LOSS = 15.0
CALLS_PER_LOSS = 500


class Fuzzer:
    """Calls services of a grounding node, and takes it through transitions, at random."""

    def __init__(self, client, media, seed):
        self._client = client
        self._paths = (*NAMES, *[media] * len(NAMES))
        self._random = random.Random(seed)
        self.lost = 0

    def call_any(self):
        """One call of a service, eight at once, a transition, or a few messages."""
        kinds = (self._service, self._burst, self._transition, self._messages)
        self._random.choices(kinds, (50, 3, 15, 15))[0]()

    def _request(self):
        service = self._random.choice(list(SERVICES))
        request = SERVICES[service].Request()
        if hasattr(request, 'name'):
            request.name = self._random.choice(NAMES)
        if hasattr(request, 'path'):
            request.path = str(self._random.choice(self._paths))
        return service, request

    def _service(self):
        if self._client.state() == 'unconfigured':
            self._transition()
            return
        service, request = self._request()
        fields = {name: getattr(request, name) for name in request.get_fields_and_field_types()}
        self._judge(service, self._client.call(service, **fields))

    def _judge(self, service, answer):
        if service == 'list_demonstrations':
            assert len(set(answer.names)) == len(answer.names)
            return
        assert len(answer.message) > 8, (service, answer)
        assert not UNWORDED.search(answer.message), (service, answer.message)

    def _burst(self):
        """Eight calls at once, with the node being cleaned up under half of them."""
        if self._client.state() == 'unconfigured':
            return
        calls = []
        for service, request in (self._request() for _ in range(8)):
            caller = self._client.grounding.services[service]
            self._client.wait(caller.service_is_ready, service)
            calls.append((service, caller.call_async(request)))
        pulled = self._random.random() < 0.5
        if pulled:
            self._client.change_state(DEACTIVATE)
            self._client.change_state(CLEANUP)
            self._client.spin(0.2)
        else:
            self._client.hold(lambda: all(future.done() for _, future in calls), LOSS)
        for service, future in calls:
            if future.done():
                self._judge(service, future.result())
            else:
                self.lost += not pulled

    def _transition(self):
        possible = {
            'unconfigured': (CONFIGURE,),
            'inactive': (ACTIVATE, CLEANUP),
            'active': (DEACTIVATE,),
        }
        transitions = (CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP)
        expected = self._random.choices(transitions, (4, 6, 1, 1))[0]
        before = self._client.state()
        changed = self._client.change_state(expected)
        assert changed == (expected in possible[before]), (before, expected)

    def _messages(self):
        for number in range(self._random.randrange(6)):
            publisher = self._random.choice((self._client.images, self._client.frames))
            publisher.publish(self._client.image_message(number))
        self._client.spin(0.01)


def _bring_up_from(client):
    """Make the node active, whatever it is."""
    if client.state() == 'unconfigured':
        assert client.change_state(CONFIGURE)
    if client.state() == 'inactive':
        assert client.change_state(ACTIVATE)
    client.connect()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize('calls', [100, 1000])
def test_random_calls(shipped_nodes, calls):
    media = shipped_nodes.store.parent / 'media'
    media.mkdir()
    process = shipped_nodes.grounding(demonstration_folders=f'["{media}"]')
    client = shipped_nodes.client()
    for number in range(3):
        cv2.imwrite(str(media / f'{number}.png'), client.image(number))
    client.bring_up()
    # The first grounding takes memory that is kept for the next, and the last selection outlives
    # the cleanup at the end.
    client.record('first')
    client.ground(client.image_message(0))
    fuzzer = Fuzzer(client, media, seed=0)
    usage = psutil.Process(process.popen.pid)
    before = usage.memory_info().rss
    for _ in range(calls):
        fuzzer.call_any()
        assert process.popen.poll() is None, process.output
    # Demonstrations that were made meanwhile are in memory only while they are configured.
    client.change_state(DEACTIVATE)
    client.change_state(CLEANUP)
    _bring_up_from(client)
    growth = usage.memory_info().rss - before
    assert growth < FUZZED_GROWTH
    assert fuzzer.lost <= calls // CALLS_PER_LOSS
    client.record('sane')
    assert client.ground(client.image_message(1)).demonstration == 'sane'
    assert process.stop(signal.SIGINT) == 0
    assert 'Traceback' not in process.output
    assert {path.suffix for path in shipped_nodes.store.iterdir()} <= {'.mcap', '.selection'}
    assert not (shipped_nodes.store.parent / 'escape.mcap').exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_transition_fifty_times(shipped_nodes):
    times = 50
    process, client = shipped_nodes.grounding(), shipped_nodes.client()
    usage, memory, threads = psutil.Process(process.popen.pid), [], []
    for number in range(times):
        client.bring_up()
        client.record('press')
        assert client.ground(client.image_message(number)).demonstration == 'press'
        assert client.change_state(DEACTIVATE)
        assert 'not active' in client.start('never').message
        count = len(client.affordances)
        client.images.publish(client.image_message(number + 1))
        client.spin(0.5)
        assert len(client.affordances) == count
        # Back and forth once more: these two go in both directions.
        assert client.change_state(ACTIVATE)
        assert client.change_state(DEACTIVATE)
        assert client.change_state(CLEANUP)
        memory.append(usage.memory_info().rss)
        threads.append(usage.num_threads())
    assert client.change_state(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert client.state() == 'finalized'
    assert process.stop(signal.SIGINT) == 0
    assert 'Traceback' not in process.output
    assert threads[-1] <= threads[1] + SERVICE_THREADS
    # Pools of allocators fill up in the first cycles.
    assert memory[-1] - memory[9] < ALLOWED_GROWTH
