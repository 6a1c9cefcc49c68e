# SPDX-License-Identifier: Apache-2.0
"""Recordings in the layout of HoloAssist to a manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert
from .holoassist_files import (
    ANNOTATIONS,
    FIRST,
    SECOND,
    annotate,
    entry,
    event,
    hand,
    write_holoassist,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_holoassist(tmp_path / 'tree').parent


def test_an_action_is_sought_in_another_recording_before_a_hand_comes(
    tree: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    annotate(tree, [*ANNOTATIONS, entry('z999-lost', event(1.0, 2.0))])

    dataset = convert('holoassist')

    assert dataset.action_names == ('open', 'press')
    first, second = dataset
    assert (first.sample_id, second.sample_id) == (f'{FIRST}/1', f'{SECOND}/0')
    assert first.video_path == tree / FIRST / 'Export_py/Video_pitchshift.mp4'
    assert first.clip == (6.0, 8.0)
    assert first.actions == (1,)
    # At 5.5 s the hand is in view; row 10 is of 5 s.
    assert first.image_path == tree / SECOND / 'Export_py/Video/images_aligned/000010.png'
    assert second.image_path == tree / FIRST / 'Export_py/Video/images_aligned/000010.png'
    assert first.image_size == (896, 504)
    # 10 cm right of the headset as it is then, 5 cm below, at a distance of 1 m.
    assert first.points[0] == pytest.approx(np.array([[448 + 50, 252 + 25]]))
    assert first.object_id == 'nespresso'
    assert first.origin == Origin('HoloAssist', 'CDLA-Permissive-2.0')
    assert find_problems(dataset, progress=False) == []
    said = capsys.readouterr().out
    assert 'left out, no image in another recording: 1\n' in said
    assert 'left out, recording not there: 1\n' in said


def replace_row(file: Path, number: int, values: str) -> None:
    rows = file.read_text().splitlines()
    rows[number] = '\t'.join([*rows[number].split('\t')[:2], values])
    file.write_text('\n'.join(rows))


def test_the_hand_nearest_to_the_gaze_is_the_one_that_acts(tree: Path, convert: Convert) -> None:
    hands = tree / SECOND / 'Export_py/Hands'
    replace_row(hands / 'Left_sync.txt', 14, hand((1.0, 0.4, 0.2), 2))

    assert convert('holoassist')[0].points[0] == pytest.approx(np.array([[498, 277]]))


@pytest.mark.parametrize('name', ['Hands/Right', 'Eyes/Eyes'])
def test_without_gaze_or_hands_there_is_no_image(tree: Path, convert: Convert, name: str) -> None:
    file = tree / SECOND / f'Export_py/{name}_sync.txt'
    count = len(file.read_text().splitlines()[14].split('\t')) - 2
    replace_row(file, 14, '\t'.join(['nan'] * count))

    assert [sample.sample_id for sample in convert('holoassist')] == [f'{SECOND}/0']


@pytest.mark.parametrize(
    'change',
    [
        {'Action Correctness': 'Wrong Action, corrected by student verbally'},
        {'Noun': 'none'},
        {'Verb': 'turn'},
        {'Adjective': 'big'},
    ],
)
def test_only_the_same_correct_action_gives_an_image(
    tree: Path, convert: Convert, change: dict[str, str]
) -> None:
    annotate(tree, [ANNOTATIONS[0], entry(SECOND, event(6.0, 8.0, **change))])

    with pytest.raises(DatasetError, match='contains 0 samples'):
        convert('holoassist')


def test_files_of_different_lengths_are_an_error(tree: Path, convert: Convert) -> None:
    (tree / FIRST / 'Export_py/Hands/Left_sync.txt').write_text('1\t2\n')

    with pytest.raises(ValueError, match='Export_py has files with different numbers of rows'):
        convert('holoassist')
