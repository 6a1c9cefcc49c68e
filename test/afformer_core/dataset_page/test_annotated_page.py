# SPDX-License-Identifier: Apache-2.0
"""The share of a dataset that its page opens."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.data.annotations import open_annotations
from afformer_core.dataset_page.annotated_page import PageSettings, annotated_page
from afformer_core.media.video import write_video

QUIET = PageSettings(progress=False)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """120 samples of one clip, of an image each; all images but the first are no images."""
    write_video(tmp_path / 'a.mp4', np.zeros((4, 48, 64, 3), np.uint8), 10.0)
    entries = []
    for number in range(120):
        name = f'{number}.png'
        (tmp_path / name).write_bytes(f'no image {number:03}'.encode())
        size = {'width': 64, 'height': 48}
        what = {'image_path': name, 'video_path': 'a.mp4'}
        entries.append({**what, **size, 'actions': [1], 'heatmaps': [[[1, 2]]]})
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / 'train.json').write_text(json.dumps(entries))
    (tmp_path / 'actions.json').write_text('["press"]')
    return tmp_path / 'train.json'


def test_a_small_dataset_is_opened_whole(pairs: Path) -> None:
    page = annotated_page(open_annotations(pairs), QUIET)
    assert page.scope.startswith('All clips and images were opened;')
    assert page.title == str(pairs)
    assert [card.title for card in page.cards] == [
        'drawer/turn/kitchen.png',
        'espresso/press.mp4/kitchen.png',
        'espresso/press.mp4/office.png',
        'espresso/turn/kitchen.png',
    ]


def test_of_a_large_one_a_part_is_opened_and_all_is_looked_for(many: Path) -> None:
    many.with_name('7.png').unlink()
    page = annotated_page(open_annotations(many), PageSettings(samples=1, progress=False))
    found = {each.kind: each.count for each in page.issues}
    assert 'those of 100 of 120 samples were opened' in page.scope
    assert found['images that are missing'] == 1
    assert 97 <= found['images that cannot be read'] <= 100


def test_all_of_it_is_opened_where_asked(many: Path) -> None:
    settings = PageSettings(samples=1, all_media=True, progress=False)
    page = annotated_page(open_annotations(many), settings)
    assert {each.kind: each.count for each in page.issues} == {'images that cannot be read': 119}


def test_a_clip_whose_first_frame_cannot_be_decoded(pairs: Path) -> None:
    path = pairs / 'espresso/demonstrations/press.mp4'
    content = bytearray(path.read_bytes())
    begin = content.index(b'mdat') + 4
    end = content.index(b'moov') - 4 if content.index(b'moov') > begin else len(content)
    content[begin:end] = bytes(end - begin)
    path.write_bytes(content)
    page = annotated_page(open_annotations(pairs), QUIET)
    ((count, examples),) = [
        (each.count, each.examples)
        for each in page.issues
        if each.kind == 'clips that cannot be decoded'
    ]
    assert count == 1
    assert 'no frame of' in examples[0] or 'contains no frame' in examples[0]
