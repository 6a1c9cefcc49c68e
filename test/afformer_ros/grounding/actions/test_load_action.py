# SPDX-License-Identifier: Apache-2.0
"""The action ~/load_demonstration of a node that runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from builtin_interfaces.msg import Duration

from afformer_core.media.video import write_video

# Frames of a film that takes a second or two to read.
LONG = 300


@pytest.fixture
def media(shared_nodes: Any) -> Path:
    return shared_nodes.store.parent / 'media'


@pytest.fixture
def load(active: Any) -> Callable[..., Any]:
    def send(path: Path | str, name: str = '') -> Any:
        return active.send_goal('load_demonstration', path=str(path), name=name)

    return send


@pytest.fixture(scope='module')
def film(shared_nodes: Any, node_log: Any) -> Path:
    path = shared_nodes.store.parent / 'media' / 'film.mp4'
    frame = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    write_video(path, (frame for _ in range(LONG)), 30.0)
    return path


def test_a_folder_of_images(active, load, media):
    folder = media / 'press'
    folder.mkdir(exist_ok=True)
    for number in range(4):
        PIL.Image.fromarray(active.image(number)).save(folder / f'{number}.png')
    goal = load(folder)
    ending, result = goal.result()
    assert (ending, result.success, result.name) == ('succeeded', True, 'press'), result.message
    assert (result.frames, result.frames_kept, result.duration) == (4, 4, 0.0)
    assert "'press' is selected" in result.message
    assert (goal.feedback[-1].frames, goal.feedback[-1].progress) == (4, 1.0)
    assert active.list().selected == 'press'


def test_a_video_is_told_from_begin_to_end(active, load, film):
    goal = load(film, 'long')
    ending, result = goal.result()
    assert (ending, result.name, result.frames) == ('succeeded', 'long', LONG), result.message
    progress = [one.progress for one in goal.feedback]
    assert not any(math.isnan(one) for one in progress)
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert [one.frames for one in goal.feedback][-1] == LONG


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
