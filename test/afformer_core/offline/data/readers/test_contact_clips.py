# SPDX-License-Identifier: Apache-2.0
"""Clips with marked contacts: what is read of `clips.json`, and mistakes in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.readers.contact_clips import ContactClip, read_contact_clips
from afformer_core.offline.data.readers.part_pairs import ClipPoint

LEAST = {'clip': 'clips/open.mp4', 'contact': {'frame': 45, 'x': 290, 'y': 45.5}}
FULL = {
    **LEAST,
    'id': 'drawer_1',
    'before': {'frame': 3, 'x': 292, 'y': 48},
    'clip_rate': 30,
    'other_hand': [{'hand': 'left', 'frame': 12, 'x': 120, 'y': 200}],
    'source_video': 'kitchen_tour',
    'repository': 'someone/kitchens',
    'in_pairs_json': True,
    'note': 'for people',
}


def write(folder: Path, *clips: Any) -> Path:
    (folder / 'clips.json').write_text(json.dumps(clips))
    return folder


def test_a_clip_has_all_that_is_told_of_it(tmp_path: Path) -> None:
    (clip,) = read_contact_clips(write(tmp_path, FULL))
    assert clip == ContactClip(
        'drawer_1',
        tmp_path / 'clips/open.mp4',
        ClipPoint(45, 290.0, 45.5),
        ClipPoint(3, 292.0, 48.0),
        (ClipPoint(12, 120.0, 200.0),),
        30.0,
        'someone/kitchens',
        'kitchen_tour',
        True,
    )
    assert clip.moment == 1.5
    assert clip.marked == ClipPoint(3, 292.0, 48.0)


def test_clip_and_contact_are_enough(tmp_path: Path) -> None:
    folder = tmp_path / 'marked'
    folder.mkdir()
    (clip,) = read_contact_clips(write(folder, LEAST))
    assert (clip.name, clip.source_video) == ('clips/open.mp4', 'clips/open.mp4')
    assert (clip.source, clip.moment, clip.is_in_pairs) == ('marked', None, False)
    assert clip.marked == ClipPoint(45, 290.0, 45.5)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'clip': ''}, r'clip 1 of .*clips.json \(drawer_1\): clip is \'\'; expected text'),
        ({'contact': None}, r'clip 1 of .*clips.json \(drawer_1\):'),
        ({'before': {'frame': 1, 'y': 1}}, "has no 'x'"),
        ({'clip_rate': 0}, 'clip_rate is 0.0; expected frames per second above 0'),
        ({'id': 'first'}, 'another clip is named first'),
    ],
)
def test_a_malformed_clip_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    folder = write(tmp_path, {**FULL, 'id': 'first'}, {**FULL, **change})
    with pytest.raises(DatasetError, match=message):
        read_contact_clips(folder)


@pytest.mark.parametrize('content', ['{}', '[]'])
def test_a_file_without_clips_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / 'clips.json').write_text(content)
    with pytest.raises(DatasetError, match=r'clips.json must hold a list of at least one clip'):
        read_contact_clips(tmp_path)
