# SPDX-License-Identifier: Apache-2.0
"""The time that a goal has taken, by two clocks."""

from __future__ import annotations

import pytest

from afformer_ros.grounding.actions.goal_clock import GoalClock


class Clocks:
    """A clock of a node and a steady one, in seconds, that a test sets."""

    def __init__(self, node: float) -> None:
        self.node, self.steady = node, 50.0
        self.goal_clock = GoalClock(lambda: round(self.node * 1e9), lambda: self.steady)

    def pass_time(self, node: float, steady: float) -> float:
        self.node += node
        self.steady += steady
        return self.goal_clock.elapsed()


def test_time_passes_by_the_clock_of_the_node():
    clocks = Clocks(node=100.0)
    assert clocks.pass_time(node=2.0, steady=0.5) == pytest.approx(2.0)
    assert clocks.pass_time(node=3.0, steady=0.5) == pytest.approx(5.0)


def test_a_slow_clock_counts():
    clocks = Clocks(node=100.0)
    for _ in range(10):
        elapsed = clocks.pass_time(node=0.1, steady=1.0)
    assert elapsed == pytest.approx(1.0)


def test_a_clock_that_stands_still_is_replaced():
    clocks = Clocks(node=100.0)
    clocks.pass_time(node=2.0, steady=2.0)
    assert clocks.pass_time(node=0.0, steady=1.5) == pytest.approx(2.0)
    assert clocks.pass_time(node=0.0, steady=1.5) == pytest.approx(3.0)


def test_a_pause_does_not_count_once_it_is_over():
    clocks = Clocks(node=100.0)
    clocks.pass_time(node=0.0, steady=7.0)
    assert clocks.pass_time(node=0.5, steady=0.5) == pytest.approx(0.5)


def test_a_clock_that_goes_back_goes_on_from_there():
    clocks = Clocks(node=100.0)
    clocks.pass_time(node=2.0, steady=2.0)
    clocks.pass_time(node=-60.0, steady=0.1)
    assert clocks.pass_time(node=1.0, steady=1.0) == pytest.approx(3.0)


def test_the_first_message_of_a_clock_is_no_time():
    clocks = Clocks(node=0.0)
    assert clocks.pass_time(node=1000.0, steady=0.1) == 0.0
    assert clocks.pass_time(node=1.0, steady=1.0) == pytest.approx(1.0)


def test_it_begins_again():
    clocks = Clocks(node=100.0)
    clocks.pass_time(node=2.0, steady=2.0)
    clocks.goal_clock.restart()
    assert clocks.pass_time(node=0.5, steady=0.5) == pytest.approx(0.5)
