# SPDX-License-Identifier: Apache-2.0
"""Files that become own pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.studio.labelling.addition_dialog import object_folder, store_media
from afformer_core.studio.labelling.point_labels import PointLabels


def test_an_empty_folder_gets_its_first_pairs(tmp_path: Path, files: Path) -> None:
    folder = tmp_path / 'own'
    folder.mkdir()
    labels = PointLabels(folder)
    assert labels.pairs == ()

    video, panel = (files / 'press.mp4', 'press#0-3:1.mp4'), files / 'panel.png'
    images = 2 * [(panel, 'image.png')]
    store_media(folder / 'cup', {'demonstrations': [video], 'images': images})
    store_media(folder / 'cup', {'demonstrations': [], 'images': [(panel, '.image.png')]})
    labels.reload()

    assert [pair.name for pair in labels.pairs] == [
        'cup: press_0-3_1.mp4, image.png',
        'cup: press_0-3_1.mp4, image_2.png',
        'cup: press_0-3_1.mp4, image_3.png',
    ]


def test_an_object_without_a_video_is_refused(tmp_path: Path, files: Path) -> None:
    media = [(files / 'panel.png', 'image.png')]
    with pytest.raises(ValueError, match='cup has no demonstrations'):
        store_media(tmp_path / 'cup', {'demonstrations': [], 'images': media})
    assert not (tmp_path / 'cup').exists()


@pytest.mark.parametrize('name', ['', '../cup', '.cup', 'images', 'a/b'])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match='the name of the object is'):
        object_folder(tmp_path, name)
