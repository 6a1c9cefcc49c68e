# SPDX-License-Identifier: Apache-2.0
"""Depth found again by the stamp of an image."""

import threading
import time

import pytest

from afformer_core.stream.depth_buffer import DepthBuffer


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


def test_it_waits_for_what_is_on_its_way(buffer):
    threading.Timer(0.05, buffer.add, (400, 'depth 400')).start()
    assert buffer.nearest(400, 10, patience=10.0) == 'depth 400'


def test_it_gives_up_waiting(buffer):
    begin = time.monotonic()
    assert buffer.nearest(400, 10, patience=0.05) is None
    assert time.monotonic() - begin >= 0.05


def test_how_far_depth_is_behind(buffer):
    assert buffer.lag(500_000_300) == pytest.approx(0.5)
    assert DepthBuffer(1).lag(0) is None
