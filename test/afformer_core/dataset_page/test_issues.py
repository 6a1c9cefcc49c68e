# SPDX-License-Identifier: Apache-2.0
"""Issues of a dataset, by kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from afformer_core.data.annotations import open_annotations
from afformer_core.data.verification import MediaProblem, find_problems
from afformer_core.dataset_page.issues import dataset_issues, media_issues

ENTRY = {
    'image_path': 'a.png',
    'video_path': 'a.mp4',
    'width': 64,
    'height': 48,
    'actions': [4],
    'heatmaps': [[[1, 2], [64, 2], [3, -1]]],
}


def found(path: Path) -> dict[str, tuple[int, tuple[str, ...]]]:
    dataset = open_annotations(path)
    problems = find_problems(dataset, progress=False)
    issues = dataset_issues(dataset, problems, progress=False)
    return {each.kind: (each.count, each.examples) for each in issues}


def test_a_sound_dataset_has_an_action_too_many(pairs: Path) -> None:
    assert found(pairs) == {'actions that no sample has': (1, ('lift',))}


def test_a_missing_clip_and_one_that_is_no_video(pairs: Path) -> None:
    shutil.rmtree(pairs / 'drawer/demonstrations/turn')
    (pairs / 'espresso/demonstrations/press.mp4').write_bytes(b'no video')
    issues = found(pairs)
    assert issues['clips that are missing'][0] == 1
    assert issues['clips that cannot be decoded'][0] == 1
    assert 'press.mp4 cannot be read as a video' in issues['clips that cannot be decoded'][1][0]


def test_kinds_of_media_problems_are_told_apart() -> None:
    problems = [
        MediaProblem('image', 'other shape', 'a', 'a is turned', ('0',)),
        MediaProblem('clip', 'too short', 'b', 'b is short', ('0',)),
        MediaProblem('image', 'unreadable', 'c', 'c is cut off', ('0',)),
        MediaProblem('image', 'unreadable', 'd', 'd is cut off', ('0',)),
    ]
    assert [(each.kind, each.count, each.examples) for each in media_issues(problems)] == [
        ('clips that reach beyond the end of their video', 1, ('b is short',)),
        ('images that cannot be read', 2, ('c is cut off', 'd is cut off')),
        ('images with another shape than annotated', 1, ('a is turned',)),
    ]


def test_points_outside_and_samples_that_are_repeated(tmp_path: Path) -> None:
    path = tmp_path / 'test.json'
    path.write_text(json.dumps([ENTRY, {**ENTRY, 'actions': [3]}, ENTRY]))
    issues = dataset_issues(open_annotations(path), [], progress=False)
    by_kind = {each.kind: (each.count, each.examples) for each in issues}
    assert by_kind['points outside their image'] == (6, ('test/0: 2', 'test/1: 2', 'test/2: 2'))
    assert by_kind['samples that occur more than once'] == (1, ('test/0 = test/2',))


def test_files_of_the_same_content(pairs: Path) -> None:
    for name in ('images/kitchen.png', 'demonstrations/press.mp4'):
        shutil.copy(pairs / 'espresso' / name, pairs / 'drawer' / name)
    table = pairs / 'drawer/points.csv'
    table.write_text(table.read_text() + 'press.mp4,kitchen.png,press,1,1\n')
    issues = found(pairs)
    names = f'{pairs}/drawer/images/kitchen.png = {pairs}/espresso/images/kitchen.png'
    assert issues['images with the same content'] == (1, (names,))
    assert issues['videos with the same content'][0] == 1


def test_folders_without_a_table(pairs: Path) -> None:
    (pairs / 'drawer/points.csv').unlink()
    ((count, examples),) = [
        value for kind, value in found(pairs).items() if kind == 'folders without a table'
    ]
    assert count == 1
    assert 'drawer is left out' in examples[0]
