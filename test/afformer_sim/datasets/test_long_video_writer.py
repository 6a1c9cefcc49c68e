# SPDX-License-Identifier: Apache-2.0
"""Long simulated videos, and their annotations in a file apart."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.media.video import VideoReader
from afformer_sim.datasets.long_video_writer import (
    LongVideoSettings,
    plan_shots,
    write_long_videos,
)

SETTINGS = LongVideoSettings(
    seed=3, scenes=2, families=('keypad', 'drawers'), videos=2, seconds=16, rate=4, longest_side=64
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('long')
    assert list(write_long_videos(folder, 'mine', SETTINGS)) == [0, 1, 2]
    return folder


def target(folder: Path, index: int) -> dict[str, Any]:
    found = json.loads((folder / 'scenes' / 'mine' / f'{index:05d}.json').read_text())
    assert isinstance(found, dict)
    return found


def test_videos_are_as_long_as_asked_for(folder: Path) -> None:
    for index in range(2):
        with VideoReader(folder / 'videos' / 'mine' / f'{index:05d}.mp4') as reader:
            assert reader.rate == 4
            assert reader.count() == target(folder, index)['frames'] == 64


def test_the_videos_folder_says_nothing_of_the_target(folder: Path) -> None:
    found = {path.suffix for path in (folder / 'videos').rglob('*') if path.is_file()}
    assert found == {'.mp4'}


def test_interactions_follow_each_other(folder: Path) -> None:
    for index in range(2):
        next_frame = 0
        for interaction in target(folder, index)['interactions']:
            first, last = interaction['shot']
            assert first == next_frame
            next_frame = last + 1
            assert first <= interaction['contact'][0] <= interaction['contact'][1] <= last
        assert next_frame == 64


def test_hands_are_told_in_contact_just_where_their_interactions_are(folder: Path) -> None:
    for index in range(2):
        found = target(folder, index)
        for hand in found['hands']:
            within = any(
                interaction['contact'][0] <= hand['frame'] <= interaction['contact'][1]
                for interaction in found['interactions']
            )
            assert hand['contact'] == within
            left, top, right, bottom = hand['box']
            assert 0 <= left <= right < 64
            assert 0 <= top <= bottom < 64


def test_there_are_frames_without_a_hand(folder: Path) -> None:
    for index in range(2):
        found = target(folder, index)
        assert 0 < len({hand['frame'] for hand in found['hands']}) < 64


def test_a_video_cuts_from_one_scene_to_another() -> None:
    settings = replace(SETTINGS, scenes=3, seconds=60)
    shown = [[shot.scene.seed for shot in plan_shots(settings, index)] for index in range(6)]
    assert {len(set(seeds)) for seeds in shown} == {1, 2, 3}
    for seeds in shown:
        changes = sum(one != other for one, other in pairwise(seeds))
        assert changes == len(set(seeds)) - 1
    everything = [seed for seeds in shown for seed in set(seeds)]
    assert len(everything) == len(set(everything))


def test_fewer_videos_are_the_first_of_more() -> None:
    shots = plan_shots(SETTINGS, 1)
    again = plan_shots(replace(SETTINGS, videos=5), 1)
    assert [shot.frames for shot in shots] == [shot.frames for shot in again]
    np.testing.assert_array_equal(
        shots[0].demonstration.grasp.palm, again[0].demonstration.grasp.palm
    )


def test_a_video_that_is_too_short_for_a_shot_is_refused() -> None:
    with pytest.raises(ValueError, match=r'seconds is 5; expected at least 10\.5'):
        replace(SETTINGS, seconds=5)
