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
