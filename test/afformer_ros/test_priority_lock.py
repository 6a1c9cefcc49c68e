# SPDX-License-Identifier: Apache-2.0
"""One thread goes first."""

import threading
import time

from afformer_ros.service_pool_executor import PriorityLock


def test_nobody_has_it():
    assert PriorityLock().wait(0.0)


def test_it_is_waited_for():
    priority_lock, taken, ended = PriorityLock(), threading.Event(), []

    def take():
        with priority_lock:
            taken.set()
            time.sleep(0.1)
            ended.append(True)

    thread = threading.Thread(target=take)
    thread.start()
    taken.wait()
    assert priority_lock.wait(20.0)
    assert ended
    thread.join()


def test_it_is_not_waited_for_longer():
    priority_lock = PriorityLock()
    with priority_lock:
        assert not priority_lock.wait(0.01)
    assert priority_lock.wait(0.0)


def test_an_error_gives_it_back():
    priority_lock = PriorityLock()
    try:
        with priority_lock:
            raise ValueError('not today')
    except ValueError:
        assert priority_lock.wait(0.0)
