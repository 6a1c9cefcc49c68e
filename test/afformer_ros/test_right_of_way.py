# SPDX-License-Identifier: Apache-2.0
"""One thread goes first."""

import threading
import time

from afformer_ros.service_pool_executor import RightOfWay


def test_nobody_has_it():
    assert RightOfWay().give(0.0)


def test_it_is_waited_for():
    right_of_way, taken, ended = RightOfWay(), threading.Event(), []

    def take():
        with right_of_way:
            taken.set()
            time.sleep(0.1)
            ended.append(True)

    thread = threading.Thread(target=take)
    thread.start()
    taken.wait()
    assert right_of_way.give(20.0)
    assert ended
    thread.join()


def test_it_is_not_waited_for_longer():
    right_of_way = RightOfWay()
    with right_of_way:
        assert not right_of_way.give(0.01)
    assert right_of_way.give(0.0)


def test_an_error_gives_it_back():
    right_of_way = RightOfWay()
    try:
        with right_of_way:
            raise ValueError('not today')
    except ValueError:
        assert right_of_way.give(0.0)
