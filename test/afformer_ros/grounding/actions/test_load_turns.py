# SPDX-License-Identifier: Apache-2.0
"""Turns of goals that load files, and what their clients are told, without middleware."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from afformer_ros.action import LoadDemonstration

from afformer_core.demonstrations.state import Summary
from afformer_core.errors import VideoError
from afformer_ros.grounding.actions import load_action
from afformer_ros.grounding.actions.goal_fields import RefusedGoalError
from afformer_ros.grounding.actions.load_action import LoadAction
from afformer_ros.grounding.actions.open_goal import Ending
from test.afformer_ros.grounding.actions.stand_in_goal import StandInGoal

PATIENCE = 20.0


class Loadings:
    """An action whose reader waits for the test, and then raises or gives what that says.

    Attributes:
        read: paths whose reading has begun.
        begun: counts these.
        go_on: lets as many readings go on.
        failure: what a reading raises; None: it succeeds.
    """

    def __init__(self) -> None:
        self.read: list[str] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.failure: Exception | None = None
        endpoint: Any = SimpleNamespace(attach=lambda handler: None, detach=lambda: None)
        node: Any = SimpleNamespace(get_logger=lambda: SimpleNamespace(info=lambda text: None))
        loader: Any = SimpleNamespace(load=self._load)
        self.action = LoadAction(endpoint, node, loader, lambda: "'press' is selected")

    def _load(
        self,
        path: str,
        name: str,
        wait: Callable[[Any], Any],
        progress: Callable[[int, float], None],
        check: Callable[[], None],
    ) -> Summary:
        self.read.append(path)
        self.begun.release()
        assert self.go_on.acquire(timeout=PATIENCE)
        if self.failure is not None:
            raise self.failure
        for frames, share in ((1, 0.25), (2, 0.5), (4, 1.0)):
            progress(frames, share)
        check()
        return Summary(name='press', frames=4, frames_kept=3, duration=1.25, begin=0.0, end=1.25)

    def take(self, path: str, name: str = '') -> StandInGoal:
        goal = StandInGoal(LoadDemonstration.Goal(path=path, name=name))
        self.action.take(goal)  # type: ignore[arg-type]
        return goal


@pytest.fixture
def loadings() -> Iterator[Loadings]:
    made = Loadings()
    yield made
    for _ in range(9):
        made.go_on.release()
    assert made.action.close('the test ends', PATIENCE)


def test_files_are_read_one_after_another(loadings):
    first, second = loadings.take('press.mp4'), loadings.take('pull.mp4')
    assert loadings.begun.acquire(timeout=PATIENCE)
    assert loadings.read == ['press.mp4']
    loadings.go_on.release()
    assert first.wait() == (Ending.SUCCEEDED, True, "'press' is selected")
    assert loadings.begun.acquire(timeout=PATIENCE)
    assert loadings.read == ['press.mp4', 'pull.mp4']
    assert second.ending is None


def test_what_is_canceled_before_its_turn_is_not_read(loadings):
    first, second = loadings.take('press.mp4'), loadings.take('pull.mp4')
    second.cancel_at(loadings.action)
    assert second.wait() == (Ending.CANCELED, False, 'its client canceled it')
    loadings.go_on.release()
    assert first.wait()[0] == Ending.SUCCEEDED
    assert loadings.read == ['press.mp4']


def test_what_is_canceled_while_it_is_read_is_dropped(loadings):
    goal = loadings.take('press.mp4')
    assert loadings.begun.acquire(timeout=PATIENCE)
    goal.cancel_at(loadings.action)
    loadings.go_on.release()
    assert goal.wait() == (
        Ending.CANCELED,
        False,
        "the loading of 'press.mp4' stopped: its client canceled it",
    )
    assert goal.feedback == []


@pytest.mark.parametrize(
    ('failure', 'message'),
    [
        (VideoError('press.mp4 is no video'), 'press.mp4 is no video'),
        (OSError(5, 'no disk'), 'OSError: [Errno 5] no disk'),
        (VideoError(), 'VideoError'),
    ],
    ids=repr,
)
def test_a_failure_is_told(loadings, failure, message):
    loadings.failure = failure
    goal = loadings.take('press.mp4')
    loadings.go_on.release()
    assert goal.wait() == (Ending.ABORTED, False, message)


def test_progress_is_told_now_and_then_and_at_the_end(loadings, monkeypatch):
    times = iter((70.0, 70.05, 70.06))
    monkeypatch.setattr(load_action, 'time', SimpleNamespace(monotonic=lambda: next(times)))
    goal = loadings.take('press.mp4')
    loadings.go_on.release()
    assert goal.wait()[0] == Ending.SUCCEEDED
    assert [(one.frames, one.progress) for one in goal.feedback] == [(1, 0.25), (4, 1.0)]
    assert (goal.result.frames, goal.result.frames_kept, goal.result.duration) == (4, 3, 1.25)


@pytest.mark.parametrize(
    ('path', 'name', 'message'),
    [
        ('', 'press', 'path is empty; expected a video, a folder of images or a bag'),
        ('press.mp4', 'press+pull', "'press\\+pull' cannot name a demonstration"),
        ('press.mp4', ' ', "' ' cannot name a demonstration"),
    ],
)
def test_what_is_refused_is_not_read(loadings, path, name, message):
    with pytest.raises(RefusedGoalError, match=message):
        loadings.take(path, name)
    assert loadings.read == []
