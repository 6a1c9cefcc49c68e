# SPDX-License-Identifier: Apache-2.0
"""Hands of simulated videos, read from the files beside them, and detectors by their names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.hands.hand import Hand
from afformer_core.hands.open_detector import device_of, open_hand_detector
from afformer_core.hands.simulated_hands import SimulatedHands
from afformer_core.media.video import VideoFrame

IDLE = {'box': [1, 2, 5, 9], 'contact': False, 'contact_point': None}
IN_CONTACT = {'box': [2, 2, 6, 9], 'contact': True, 'contact_point': [6.5, 3.0]}


def opened(folder: Path, content: Any) -> SimulatedHands:
    (folder / '0.hands.json').write_text(json.dumps(content))
    detector = SimulatedHands()
    detector.begin(folder / '0.mp4')
    return detector


def test_each_frame_has_the_hands_of_the_nearest(tmp_path: Path) -> None:
    hands: list[list[Any]] = [[], [IDLE], [IN_CONTACT]]
    detector = opened(tmp_path, [{'time': k / 2, 'hands': found} for k, found in enumerate(hands)])
    times = (0.0, 0.2, 0.3, 0.7, 0.8, 4.0)
    found = list(detector.detect(VideoFrame(time, np.empty(())) for time in times))

    idle = Hand((1, 2, 5, 9), False, 1.0)
    in_contact = Hand((2, 2, 6, 9), True, 1.0, (6.5, 3.0))
    assert found == [(), (), (idle,), (idle,), (in_contact,), (in_contact,)]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([], 'there are 0 frames; expected at least 1'),
        ([{'hands': []}], r"0\.hands\.json has no 'time'"),
        ([{'time': 0, 'hands': [{**IDLE, 'box': [5, 2, 1, 9]}]}], r'0\.hands\.json: the box of a'),
        ([{'time': 0, 'hands': [{'box': [1, 2, 5, 9]}]}], r'0\.hands\.json: .*contact'),
    ],
)
def test_malformed_files_are_named(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        opened(tmp_path, content)


def test_other_videos_have_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'0\.hands\.json does not exist.*Mine other videos'):
        SimulatedHands().begin(tmp_path / '0.mp4')


@pytest.mark.parametrize(
    ('process', 'gpus', 'device'),
    [(0, 0, 'cpu'), (3, 0, 'cpu'), (0, 2, 'cuda:0'), (1, 2, 'cuda:1'), (2, 2, 'cuda:0')],
)
def test_processes_take_the_gpus_in_turn(process: int, gpus: int, device: str) -> None:
    assert device_of(process, gpus) == device


def test_what_comes_with_the_package() -> None:
    assert open_hand_detector('mediapipe').name.startswith('mediapipe_hands ')
    assert open_hand_detector('simulated').name == 'simulated_hands 1'
