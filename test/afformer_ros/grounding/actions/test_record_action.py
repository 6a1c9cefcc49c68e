# SPDX-License-Identifier: Apache-2.0
"""The action ~/record_demonstration of a node that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from builtin_interfaces.msg import Duration
from lifecycle_msgs.msg import Transition


@pytest.fixture
def record(active: Any) -> Callable[..., Any]:
    def send(**fields: Any) -> Any:
        return active.send_goal('record_demonstration', **fields)

    return send


def send(client: Any, goal: Any, *numbers: int) -> None:
    """Send frames at once, a tenth of a second apart by their stamps for each number between."""
    client.wait(lambda: goal.feedback, 'the begin of the recording')
    for number in numbers:
        client.frames.publish(client.image_message(number, 'demonstrator'))


def test_a_recording_ends_after_its_maximum_duration(active, record):
    goal = record(name='press', maximum_duration=Duration(sec=6))
    send(active, goal, 0, 20, 40, 60, 80)
    ending, result = goal.result()
    assert (ending, result.success, result.name) == ('succeeded', True, 'press'), result.message
    assert (result.frames, result.frames_kept) == (4, 4)
    assert result.duration == pytest.approx(6.0)
    assert "'press' is selected" in result.message
    assert [one.frames for one in goal.feedback] == [0, 1, 2, 3, 4]
    assert goal.feedback[-1].duration == pytest.approx(6.0)


def test_the_service_ends_a_recording(active, record):
    goal = record(name='press')
    active.wait(lambda: goal.feedback, 'the begin of the recording')
    active.send_frames(2)
    assert active.finish().success
    ending, result = goal.result()
    assert (ending, result.success, result.frames) == ('succeeded', True, 2)


def test_canceling_drops_a_recording(active, record):
    goal = record(name='press')
    active.wait(lambda: goal.feedback, 'the begin of the recording')
    active.send_frames(2)
    goal.cancel()
    ending, result = goal.result()
    assert (ending, result.success) == ('canceled', False)
    assert result.message == "the recording of 'press' was dropped: its client canceled it"
    assert active.list().names == []


def test_two_recordings_at_a_time_are_refused(active, record):
    first, second = record(name='press'), record(name='pull')
    ending, result = second.result()
    assert (ending, result.success) == ('aborted', False)
    assert "'press' is being recorded" in result.message
    first.cancel()
    assert first.result()[0] == 'canceled'


def test_deactivation_drops_a_recording(active, record):
    goal = record(name='press')
    active.wait(lambda: goal.feedback, 'the begin of the recording')
    active.send_frames(1)
    assert active.change_state(Transition.TRANSITION_DEACTIVATE)
    try:
        ending, result = goal.result()
        assert (ending, result.success) == ('aborted', False)
        assert 'the node was deactivated' in result.message
        ending, result = record(name='press').result()
        assert (ending, result.success) == ('aborted', False)
        assert 'activate it' in result.message
    finally:
        assert active.change_state(Transition.TRANSITION_ACTIVATE)
