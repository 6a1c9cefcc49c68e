# SPDX-License-Identifier: Apache-2.0
"""Time of a simulation whose world is replaced, and what it hands to its cameras."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip('rclpy')

from afformer_ros.sim_robot.simulation_thread import SimulationThread
from test.waiting import wait_until


class World:
    """A world in which nothing happens but time."""

    def __init__(self) -> None:
        self.time = 0.0

    def advance(self, seconds: float) -> None:
        self.time += seconds


class Cameras:
    """Cameras that take what they are given after a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.taken: list[int] = []
        self._seconds = seconds

    def expose(self, exposure: int) -> None:
        time.sleep(self._seconds)
        self.taken.append(exposure)


class Run:
    """A simulation, and what it has reported."""

    def __init__(self, factor: float, cameras: Cameras) -> None:
        self.first, self.second = World(), World()
        self.reports: list[tuple[World, int]] = []
        self.errors: list[Exception] = []
        self.report: Callable[[Any, int], Any] = lambda world, now: None
        self.steps = math.inf
        self.thread = SimulationThread(
            cast(Any, self.first),
            0.02,
            factor,
            self._take,
            cast(Any, cameras),
            self.errors.append,
            lambda: len(self.reports) < self.steps,
        )

    def _take(self, world: Any, now: int) -> Any:
        self.reports.append((world, now))
        return self.report(world, now)

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self.reports) >= count or self.errors)

    def replace_after(self, count: int) -> int:
        """Replace the world after so many steps or more; return the time at which that was."""
        self.wait_for(count)
        with self.thread.lock:
            self.thread.replace(cast(Any, self.second))
            return self.thread.now


@pytest.fixture
def cameras() -> Cameras:
    return Cameras()


@pytest.fixture
def run(cameras: Cameras) -> Iterator[Run]:
    made = Run(0.0, cameras)
    yield made
    assert made.thread.close(5.0)


def test_time_goes_on_in_even_steps_when_the_world_is_replaced(run: Run) -> None:
    run.thread.start()
    begin = run.replace_after(7)
    run.wait_for(len(run.reports) + 7)
    reports = list(run.reports)
    stamps = [now for _, now in reports]
    assert np.diff(stamps) == pytest.approx(20_000_000, abs=1)
    assert {now > begin for world, now in reports if world is cast(Any, run.second)} == {True}
    assert {now > begin for world, now in reports if world is cast(Any, run.first)} == {False}


def test_a_stamp_counts_from_the_begin_of_the_newest_world(cameras: Cameras) -> None:
    run = Run(0.0, cameras)
    assert run.thread.since_start(1_250_000_000) == pytest.approx(1.25)
    run.first.advance(3.5)
    run.thread.replace(cast(Any, run.second))
    run.second.advance(0.75)
    assert run.thread.now == 4_250_000_000
    assert run.thread.since_start(4_750_000_000) == pytest.approx(1.25)
    assert run.thread.since_start(3_000_000_000) == pytest.approx(-0.5)
    run.thread.replace(cast(Any, World()))
    assert run.thread.now == 4_250_000_000
    assert run.thread.since_start(4_750_000_000) == pytest.approx(0.5)


def test_no_exposure_is_left_out_for_slow_cameras() -> None:
    cameras = Cameras(0.01)
    run = Run(0.0, cameras)
    run.report = lambda _, now: now if len(run.reports) % 3 == 0 else None
    run.thread.start()
    run.wait_for(15)
    assert run.thread.close(5.0)
    assert cameras.taken == [now for _, now in run.reports[2::3]]


class Wall:
    """Time on the wall, which passes while the simulation waits, for longer in its tenth wait."""

    def __init__(self) -> None:
        self.now = 500.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def is_set(self) -> bool:
        return len(self.waits) == 50

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds + (len(self.waits) == 10)


def test_a_step_takes_its_time_at_the_chosen_speed(
    cameras: Cameras, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, run = Wall(), Run(4.0, cameras)
    monkeypatch.setattr('afformer_ros.sim_robot.simulation_thread.time', wall)
    monkeypatch.setattr(run.thread, '_stopping', wall)
    run.thread._run()
    # Steps of 20 ms at four times the speed of the wall; of the second, 0.1 s are made up for.
    assert wall.waits == pytest.approx([0.005] * 10 + [0.0] * 21 + [0.005] * 19)
    assert run.first.time == pytest.approx(1.0)


def test_a_world_that_fails_ends_the_simulation(run: Run) -> None:
    def fail(_: World, now: int) -> None:
        raise RuntimeError(f'at {now}')

    run.report = fail
    run.thread.start()
    run.wait_for(2)
    assert [str(error) for error in run.errors] == ['at 20000000']


def test_nothing_is_simulated_while_the_lock_is_held(run: Run) -> None:
    run.thread.start()
    run.wait_for(3)
    with run.thread.lock:
        before = len(run.reports)
        threading.Event().wait(0.05)
        assert len(run.reports) == before


def test_time_stands_still_until_it_may_advance(run: Run) -> None:
    run.steps = 3
    run.thread.start()
    run.wait_for(3)
    time.sleep(0.05)
    assert [now for _, now in run.reports] == [20_000_000, 40_000_000, 60_000_000]
    run.steps = math.inf
    run.wait_for(5)
