# SPDX-License-Identifier: Apache-2.0
"""Turns of goals that load or record, their ends, and what their clients are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from afformer_ros.action import LoadDemonstration, RecordDemonstration
from builtin_interfaces.msg import Duration

from afformer_core.demonstrations.state import DemonstrationState, Phase, Summary
from afformer_core.errors import VideoError
from afformer_ros.grounding.actions import demonstration_actions
from afformer_ros.grounding.actions.action_endpoint import Ending
from afformer_ros.grounding.actions.demonstration_actions import LoadAction, RecordAction
from afformer_ros.grounding.actions.goal_fields import RefusedGoalError
from afformer_ros.grounding.demonstrations.demonstration_topics import StartedRecording
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
    monkeypatch.setattr(
        demonstration_actions, 'time', SimpleNamespace(monotonic=lambda: next(times))
    )
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


class Recordings:
    """An action whose recorder does what a test says, and the clock of its node.

    Attributes:
        finished, dropped: names of recordings that were to end so.
    """

    def __init__(self) -> None:
        self.seconds = 500.0
        self.started: list[Future[StartedRecording]] = []
        self.finished: list[str] = []
        self.dropped: list[str] = []
        recorder: Any = SimpleNamespace(start=self._start, finish=self._finish, drop=self._drop)
        endpoint: Any = SimpleNamespace(attach=lambda handler: None, detach=lambda: None)
        node: Any = SimpleNamespace(
            get_clock=lambda: SimpleNamespace(now=self._now),
            get_logger=lambda: SimpleNamespace(info=lambda text: None),
        )
        self.action = RecordAction(endpoint, node, recorder, lambda: "'press' is selected")

    def _now(self) -> SimpleNamespace:
        return SimpleNamespace(nanoseconds=round(self.seconds * 1e9))

    def _start(self, name: str, maximum: float) -> Future[StartedRecording]:
        self.started.append(Future())
        return self.started[-1]

    def _finish(self, recording: StartedRecording) -> None:
        self.finished.append(recording.name)

    def _drop(self, recording: StartedRecording, reason: str) -> None:
        self.dropped.append(recording.name)

    def take(self, begun: bool = True, **fields: Any) -> StandInGoal:
        goal = StandInGoal(RecordDemonstration.Goal(name='press', **fields))
        self.action.take(goal)  # type: ignore[arg-type]
        if begun:
            self.begin()
        return goal

    def begin(self) -> StartedRecording:
        recording = StartedRecording('press', 0.0)
        self.started[-1].set_result(recording)
        return recording

    def frame(self, frames: int, duration: float, name: str = 'press') -> None:
        state = DemonstrationState(
            phase=Phase.RECORDING,
            name=name,
            frames=frames,
            duration=duration,
            hands_seen=2,
            frames_lost=1,
        )
        self.action.demonstrations_changed(state)

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.action.tick()


@pytest.fixture
def recordings() -> Recordings:
    return Recordings()


def test_the_frame_timeout_begins_anew_with_each_frame(recordings):
    recordings.take(frame_timeout=Duration(sec=2))
    recordings.pass_time(7.0)
    recordings.frame(1, 0.0)
    recordings.pass_time(1.5)
    recordings.frame(2, 1.5)
    recordings.pass_time(1.75)
    assert recordings.finished == []
    recordings.pass_time(0.5)
    assert recordings.finished == ['press']


def test_time_without_frames_counts_for_the_maximum_duration(recordings):
    recordings.take(maximum_duration=Duration(sec=6))
    recordings.frame(9, 4.25)
    recordings.pass_time(1.5)
    assert recordings.finished == []
    recordings.pass_time(0.5)
    assert recordings.finished == ['press']


def test_the_end_is_asked_for_once(recordings):
    recordings.take(frame_timeout=Duration(sec=1))
    recordings.frame(1, 0.0)
    for _ in range(3):
        recordings.pass_time(1.5)
    assert recordings.finished == ['press']


def test_without_limits_a_recording_goes_on(recordings):
    recordings.take()
    recordings.frame(1, 0.0)
    recordings.pass_time(900.0)
    assert recordings.finished == []


def test_what_is_canceled_before_it_begins_is_dropped_then(recordings):
    goal = recordings.take(begun=False)
    goal.cancel_at(recordings.action)
    assert recordings.dropped == []
    recording = recordings.begin()
    assert recordings.dropped == ['press']
    recording.ended.set_exception(TimeoutError())
    assert (goal.ending, goal.result.success) == (Ending.CANCELED, False)
    assert goal.result.message == 'TimeoutError'


def test_frames_of_another_recording_are_not_told(recordings):
    goal = recordings.take()
    recordings.frame(3, 0.5)
    recordings.frame(8, 0.75, name='pull')
    assert goal.feedback == [
        RecordDemonstration.Feedback(),
        RecordDemonstration.Feedback(frames=3, frames_lost=1, duration=0.5, hands_seen=2),
    ]


def test_what_was_recorded_is_told(recordings):
    goal = recordings.take(begun=False)
    recordings.begin().ended.set_result(
        Summary(name='press', frames=9, frames_kept=4, duration=4.5, begin=0.5, end=3.25)
    )
    assert goal.ending == Ending.SUCCEEDED
    assert (goal.result.frames, goal.result.frames_kept, goal.result.end) == (9, 4, 3.25)
    assert goal.result.message == "'press' is selected"


def test_the_node_ends_what_is_open(recordings):
    goal = recordings.take()
    recordings.action.close('the node was cleaned up')
    assert (goal.ending, goal.result.message) == (Ending.ABORTED, 'the node was cleaned up')
    later = recordings.take(begun=False)
    assert (later.ending, later.result.message) == (Ending.ABORTED, 'the node was cleaned up')
    assert len(recordings.started) == 1


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'frame_timeout': Duration(sec=-1)}, 'frame_timeout is -1.0; expected 0.1 to 86400.0'),
        ({'maximum_duration': Duration(sec=86401)}, 'maximum_duration is 86401.0; expected 0.1'),
    ],
    ids=str,
)
def test_a_duration_out_of_range_is_refused(recordings, fields, message):
    with pytest.raises(RefusedGoalError, match=message):
        recordings.take(**fields)
    assert recordings.started == []
