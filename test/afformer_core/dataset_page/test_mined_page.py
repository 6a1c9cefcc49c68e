# SPDX-License-Identifier: Apache-2.0
"""The page of an index of mined clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.dataset_page.annotated_page import PageSettings
from afformer_core.dataset_page.mined_page import find_index, mined_page
from afformer_core.errors import DatasetError
from afformer_core.maskahand.mining.index import read_index, write_index

from ..maskahand.mined_videos import write_mined

SETTINGS = PageSettings(samples=2, progress=False)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Of three videos of 12 frames, in whose later half a hand touches something."""
    return write_mined(tmp_path)


def test_an_index_is_found_by_what_it_holds(index: Path) -> None:
    assert find_index(index) == index
    assert find_index(index.parent) == index
    index.with_name('other.json').write_text('[{"image_path": "a.jpg"}]')
    assert find_index(index.with_name('other.json')) is None
    assert find_index(index.with_name('nowhere')) is None


def test_counts(index: Path) -> None:
    page = mined_page(index, SETTINGS)
    assert page.headline == {
        'clips': 3,
        'videos': 3,
        'frames looked at': 36,
        'frames with a hand': 36,
        'frames with contact': 18,
    }
    assert page.issues == []
    assert {each.title: each.counts for each in page.distributions} == {
        'Clips of 3 videos': {'1 to <2': 3},
        'Scores of 18 hands in contact': {'0.99 or more': 18},
        'Sizes of 3 videos': {'96x64': 1, '64x64': 1, '64x96': 1},
    }


def test_clips_with_their_hands_and_what_is_made_of_them(index: Path) -> None:
    first, second = mined_page(index, SETTINGS).cards
    assert first.groups != second.groups
    assert first.title == '0.0 s to 2.8 s'
    assert first.facts == ('6 frames with contact for target images',)
    assert len(first.frames) == 8
    assert [figure.caption for figure in first.figures] == [
        'target image made of it',
        'its heatmap',
    ]
    assert first.figures[0].image.shape == (320, 320, 3)


def test_a_video_that_is_gone(index: Path) -> None:
    for number in range(3):
        (index.parent / f'{number}.mp4').unlink()
    mined = read_index(index)
    remote = replace(mined.videos[0], path=Path('memory:/lab/a.mp4'), clips=())
    write_index(index, replace(mined, videos=(*mined.videos, remote)))
    page = mined_page(index, SETTINGS)
    assert [(each.kind, each.count) for each in page.issues] == [
        ('videos that are missing', 3),
        ('videos without a clip', 1),
    ]
    assert all(card.problem and not card.frames for card in page.cards)


def test_an_index_that_is_cut_off(index: Path) -> None:
    index.write_text(index.read_text()[:-20])
    with pytest.raises(DatasetError, match='cannot be read'):
        mined_page(index, SETTINGS)
