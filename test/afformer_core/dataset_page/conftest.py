# SPDX-License-Identifier: Apache-2.0
"""Own pairs of two objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.media.video import write_video

# Of a machine that is busy.
_MILLISECONDS = 100_000

HEADER = 'demonstration,image,action,x,y\n'
ESPRESSO = (
    HEADER
    + 'press.mp4,kitchen.png,press,10,20\n'
    + 'press.mp4,kitchen.png,press,12,22\n'
    + 'press.mp4,office.png,press,1,2\n'
    + 'turn,kitchen.png,turn,40,5.5\n'
)
DRAWER = HEADER + 'turn,kitchen.png,pull,31,23\n'


def write_object(folder: Path, table: str | None, shade: int) -> None:
    """`press.mp4` of 12 frames in 1.2 s, 3 frames in `turn`, images of 64x48 and of 32x24."""
    (folder / 'demonstrations' / 'turn').mkdir(parents=True)
    (folder / 'images').mkdir()
    frames = np.zeros((12, 48, 64, 3), np.uint8)
    frames[:] = (shade + 10 * np.arange(12, dtype=np.uint8))[:, None, None, None]
    write_video(folder / 'demonstrations/press.mp4', frames, 10.0)
    for number in range(3):
        frame = np.full((48, 64, 3), shade + number, np.uint8)
        cv2.imwrite(str(folder / f'demonstrations/turn/{number}.png'), frame)
    cv2.imwrite(str(folder / 'images/kitchen.png'), np.full((48, 64, 3), shade, np.uint8))
    cv2.imwrite(str(folder / 'images/office.png'), np.full((24, 32, 3), shade, np.uint8))
    if table is not None:
        (folder / 'points.csv').write_text(table)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two objects, each with images and clips of its own."""
    folder = tmp_path / 'pairs'
    write_object(folder / 'espresso', ESPRESSO, 40)
    write_object(folder / 'drawer', DRAWER, 60)
    (folder / 'actions.txt').write_text('press\nturn\npull\nlift\n')
    return folder


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A page of 800x600 in the browser; fails the test where a script of it fails."""
    page = chromium.new_page(viewport={'width': 800, 'height': 600})
    page.set_default_timeout(_MILLISECONDS)
    errors: list[str] = []
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.on('request', lambda request: errors.append(request.url) if _outside(request) else None)
    yield page
    page.close()
    assert errors == []


def _outside(request: Any) -> bool:
    """Whether something is asked for that is not in the page itself."""
    return not request.url.startswith(('file:', 'data:', 'blob:'))
