# SPDX-License-Identifier: Apache-2.0
"""Media of pairs that cannot be shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from afformer_core.studio.labelling.media_check import unreadable_media
from afformer_core.studio.labelling.point_labels import PointLabels
from afformer_core.studio.limits import Limits


@pytest.fixture
def folder(tmp_path: Path, pairs: Path) -> Path:
    """A copy of `pairs`."""
    return Path(shutil.copytree(pairs, tmp_path / 'copy', ignore=lambda *_: ['points.csv']))


def test_each_that_cannot_be_read_is_told(folder: Path) -> None:
    demonstrations, images = folder / 'cup/demonstrations', folder / 'cup/images'
    (demonstrations / 'notes.mp4').write_text('press hard')
    (demonstrations / 'empty').mkdir()
    (images / 'bath.png').write_bytes(b'')
    PIL.Image.fromarray(np.zeros((7000, 6000), np.uint8)).save(images / 'bomb.png')

    limits = Limits(image_pixels=40_000_000)
    found = unreadable_media(PointLabels(folder).pairs, limits)

    assert sorted(path.name for path in found) == ['bath.png', 'bomb.png', 'empty', 'notes.mp4']
    assert found[images / 'bomb.png'] == (
        'bomb.png has 6000x7000 pixels; expected at most 40 million. Make it smaller'
    )
