# SPDX-License-Identifier: Apache-2.0
"""When a node that messages no longer reach says so, and when it gives up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from afformer_ros.transport_watch import TransportWatch


class Deaf:
    """A node whose ports are lost for some seconds, and what becomes of it."""

    def __init__(self, timeout: float) -> None:
        self.lost_for = 0.0
        self.lost = ['fastdds_port7413']
        self.ends = 0
        self.logged: list[str] = []
        self._check: Any = None
        node: Any = self
        ports: Any = self
        self.watch = TransportWatch(node, lambda: timeout, self._end, ports)

    def after(self, seconds: float) -> int:
        """How often the node has ended once its ports are lost for some seconds."""
        self.lost_for = seconds
        self._check()
        return self.ends

    def check(self) -> None:
        """As the ports do."""

    def create_timer(self, period: float, callback: Any, group: Any, clock: Any) -> None:
        assert (period, clock.clock_type.name) == (1.0, 'STEADY_TIME')
        self._check = callback

    def get_logger(self) -> Any:
        return SimpleNamespace(
            error=lambda text, throttle_duration_sec: self.logged.append(text),
            fatal=self.logged.append,
        )

    def _end(self) -> None:
        self.ends += 1


def test_a_port_that_its_owner_opens_anew_in_time_is_no_problem() -> None:
    deaf = Deaf(timeout=7.5)
    assert deaf.after(2.9) == 0
    assert deaf.watch.problem == ''
    assert deaf.logged == []


def test_a_loss_is_told_with_its_remedy_before_it_ends_the_node_once() -> None:
    deaf = Deaf(timeout=7.5)
    assert deaf.after(4.0) == 0
    assert deaf.watch.problem.startswith('messages have not reached the node for 4 s')
    assert 'fastdds_port7413' in deaf.watch.problem
    assert 'status 75 after 8 s; start it again' in deaf.watch.problem
    assert [deaf.after(seconds) for seconds in (7.4, 7.5, 8.5)] == [0, 1, 1]
    assert deaf.logged.count('the process ends with status 75') == 1


@pytest.mark.parametrize('seconds', [4.0, 5000.0])
def test_without_a_timeout_the_node_goes_on_and_says_what_to_do(seconds: float) -> None:
    deaf = Deaf(timeout=0.0)
    assert deaf.after(seconds) == 0
    assert deaf.watch.problem.endswith('Start the process again')
