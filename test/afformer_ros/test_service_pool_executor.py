# SPDX-License-Identifier: Apache-2.0
"""Services in threads of their own, topics in the thread that spins."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.waitable import NumberOfEntities, Waitable
from std_msgs.msg import Empty
from std_srvs.srv import Trigger

from afformer_ros.service_pool_executor import ServicePoolExecutor
from test.waiting import PATIENCE, wait_until

THREADS = 3


class Pair:
    """A node on the executor, and another that calls it from the thread of the test."""

    group = ReentrantCallbackGroup()

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.served = rclpy.create_node('served', context=self.context)
        self.caller = rclpy.create_node('caller', context=self.context)
        self.priority_lock = threading.Lock()
        self.executor = ServicePoolExecutor(THREADS, self.context, self.priority_lock)
        self.executor.add_node(self.served)
        self._calling = SingleThreadedExecutor(context=self.context)
        self._calling.add_node(self.caller)

    def serve(self, name, callback):
        """Offer a service whose callback gets no more than its response."""
        return self.served.create_service(
            Trigger, name, lambda _, answer: callback(answer), callback_group=self.group
        )

    def call(self, name):
        """Call a service."""
        client = self.caller.create_client(Trigger, name)
        self.until(client.service_is_ready)
        return client.call_async(Trigger.Request())

    def until(self, condition):
        """Spin both until a condition holds."""

        def spin():
            self.executor.spin_once(timeout_sec=0.01)
            self._calling.spin_once(timeout_sec=0.01)

        wait_until(condition, pause=spin)

    @contextmanager
    def calling_in_a_thread(self):
        """Spin the calling node in a thread of its own."""
        ended = threading.Event()

        def spin():
            while not ended.is_set():
                self._calling.spin_once(timeout_sec=0.01)

        spinner = threading.Thread(target=spin)
        spinner.start()
        try:
            yield
        finally:
            ended.set()
            spinner.join()

    def close(self):
        self.executor.shutdown(1.0)
        self._calling.shutdown()
        self.served.destroy_node()
        self.caller.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def pair():
    made = Pair()
    yield made
    made.close()


def _answer(response):
    response.success = True
    return response


def _refuse(response):
    raise ValueError('not today')


def _slow_and_quick(pair):
    """Call a service that waits for an event, and one that does not."""
    released = threading.Event()

    def wait(response):
        released.wait(PATIENCE)
        return _answer(response)

    pair.serve('slow', wait)
    pair.serve('quick', _answer)
    slow = pair.call('slow')
    quick = pair.call('quick')
    return released, slow, quick


def test_a_service_that_waits_holds_up_no_other(pair):
    released, slow, quick = _slow_and_quick(pair)
    pair.until(quick.done)
    assert not slow.done()
    released.set()
    pair.until(slow.done)


def test_a_service_that_waits_holds_up_no_other_while_a_future_is_awaited(pair):
    """This spins without `spin_once`, as `spin` does from rclpy 10 on."""
    released, slow, quick = _slow_and_quick(pair)
    with pair.calling_in_a_thread():
        pair.executor.spin_until_future_complete(quick, PATIENCE)
    assert (slow.done(), quick.done()) == (False, True)
    released.set()
    pair.until(slow.done)


def test_a_service_ends_the_wait_for_one_callback(pair):
    pair.serve('quick', _answer)
    waiting = threading.Thread(target=pair.executor.spin_once, daemon=True)
    pair.until(pair.call('quick').done)
    # Callbacks of the discovery may be left.
    for _ in range(5):
        pair.executor.spin_once(timeout_sec=0.05)
    pair.call('quick')
    waiting.start()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


def test_a_service_without_a_free_thread_is_passed_on_once(pair, monkeypatch):
    passed_on = []
    submit = ThreadPoolExecutor.submit

    def count(pool, handler):
        passed_on.append(handler)
        return submit(pool, handler)

    monkeypatch.setattr(ThreadPoolExecutor, 'submit', count)
    released = threading.Event()

    def wait(response):
        released.wait(PATIENCE)
        return _answer(response)

    pair.serve('slow', wait)
    answers = [pair.call('slow') for _ in range(THREADS + 1)]
    pair.until(lambda: len(passed_on) > THREADS)
    for _ in range(5):
        pair.executor.wake()
        pair.executor.spin_once(timeout_sec=0.02)
    released.set()
    pair.until(lambda: all(answer.done() for answer in answers))
    assert len(passed_on) == THREADS + 1


def test_callbacks_give_way_for_a_short_time(pair):
    heard = []
    pair.served.create_subscription(Empty, 'topic', heard.append, 10)
    publisher = pair.caller.create_publisher(Empty, 'topic', 10)
    pair.until(publisher.get_subscription_count)
    publisher.publish(Empty())
    begin = time.monotonic()
    with pair.priority_lock:
        pair.until(lambda: heard)
    assert time.monotonic() - begin >= 0.02


def test_a_service_may_be_removed_while_it_is_called(pair):
    begun = threading.Event()
    removed = threading.Event()

    def wait(response):
        begun.set()
        removed.wait(PATIENCE)
        return _answer(response)

    service = pair.serve('removed', wait)
    pair.serve('other', _answer)
    unanswered = pair.call('removed')
    pair.until(begun.is_set)
    pair.served.destroy_service(service)
    removed.set()
    pair.until(pair.call('other').done)
    assert not unanswered.done()


class Removed(Waitable):
    """Something to wait for that is removed before it is waited for the second time."""

    def __init__(self, group):
        super().__init__(group)
        self.asked = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def is_ready(self, _):
        return False

    def take_data(self):
        return None

    async def execute(self, _):
        pass

    def get_num_entities(self):
        return NumberOfEntities()

    def add_to_wait_set(self, _):
        self.asked += 1
        if self.asked == 2:
            raise InvalidHandle('destruction was requested')


def test_a_topic_may_be_removed_while_it_is_put_into_the_wait_set(pair):
    pair.serve('other', _answer)
    pair.served.add_waitable(removed := Removed(pair.group))
    pair.until(lambda: removed.asked > 3)
    pair.until(pair.call('other').done)


def test_a_service_that_raises_is_told_and_ends_nothing(pair, capfd):
    pair.serve('failing', _refuse)
    pair.serve('other', _answer)
    pair.call('failing')
    pair.until(lambda: 'ValueError: not today' in capfd.readouterr().err)
    pair.until(pair.call('other').done)


def test_what_a_topic_raises_is_raised(pair):
    def refuse(_):
        raise ValueError('not this message')

    pair.served.create_subscription(Empty, 'topic', refuse, 1)
    publisher = pair.caller.create_publisher(Empty, 'topic', 1)
    pair.until(publisher.get_subscription_count)

    def publish():
        publisher.publish(Empty())
        return False

    with pytest.raises(ValueError, match='not this message'):
        pair.until(publish)
