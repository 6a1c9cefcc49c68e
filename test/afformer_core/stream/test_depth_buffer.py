# SPDX-License-Identifier: Apache-2.0
"""Depth found again by the stamp of an image."""

import threading
import time

import pytest

from afformer_core.stream.pipeline import DepthBuffer


@pytest.fixture
def buffer():
    made = DepthBuffer(3)
    for stamp in (100, 200, 300):
        made.add(stamp, f'depth {stamp}')
    return made


def test_the_nearest_within_the_tolerance(buffer):
    assert buffer.nearest(240, 50) == 'depth 200'
    assert buffer.nearest(260, 50) == 'depth 300'
    assert buffer.nearest(360, 50) is None


def test_the_oldest_gives_way(buffer):
    buffer.add(400, 'depth 400')
    assert buffer.nearest(100, 10) is None
    assert buffer.nearest(200, 10) == 'depth 200'


def test_a_clock_that_jumps_back_empties_it(buffer):
    buffer.add(50, 'depth 50')
    assert buffer.nearest(300, 10) is None
    assert buffer.nearest(50, 10) == 'depth 50'


def test_of_equal_stamps_the_newest():
    buffer = DepthBuffer(3)
    for item in ('first', 'second'):
        buffer.add(0, item)
    assert buffer.nearest(0, 0) == 'second'


def test_it_waits_for_what_is_on_its_way(buffer):
    threading.Timer(0.05, buffer.add, (400, 'depth 400')).start()
    assert buffer.wait(400, patience=10.0)
    assert buffer.nearest(400, 10) == 'depth 400'


@pytest.mark.parametrize('stamp', [270, 300, 340, 350])
def test_it_does_not_wait_where_the_next_would_be_farther(buffer, stamp):
    assert buffer.wait(stamp, patience=0.0)


def test_of_one_alone_it_is_not_known_when_the_next_comes():
    buffer = DepthBuffer(3)
    buffer.add(300, 'depth 300')
    assert not buffer.wait(301, patience=0.0)


def test_it_gives_up_waiting(buffer):
    begin = time.monotonic()
    assert not buffer.wait(400, patience=0.05)
    assert time.monotonic() - begin >= 0.05


def test_what_is_expected_stays_however_many_come_later(buffer):
    kept = buffer.expect(190)
    late = buffer.expect(420)
    for stamp in range(400, 900, 100):
        buffer.add(stamp, f'depth {stamp}')
    assert buffer.nearest(190, 10) == 'depth 200'
    assert buffer.nearest(420, 20) == 'depth 400'
    assert buffer.nearest(300, 10) is None
    del kept
    assert buffer.nearest(190, 10) is None
    assert late.stamp == 420


def test_of_equal_stamps_the_newest_is_kept_for_what_is_expected():
    buffer = DepthBuffer(1)
    kept = buffer.expect(0)
    for stamp, item in ((0, 'first'), (0, 'second'), (9, 'later')):
        buffer.add(stamp, item)
    assert buffer.nearest(kept.stamp, 0) == 'second'


def test_a_clock_that_jumps_back_empties_what_is_expected_too(buffer):
    kept = buffer.expect(200)
    buffer.add(50, 'depth 50')
    assert buffer.nearest(kept.stamp, 100) is None


def test_how_far_the_nearest_is_behind(buffer):
    assert buffer.lag(500_000_300) == pytest.approx(0.5)
    buffer.add(500_000_200, 'much newer')
    assert buffer.lag(250_000_250) == pytest.approx(-0.24999995)
    assert DepthBuffer(1).lag(0) is None
