# SPDX-License-Identifier: Apache-2.0
"""A few tiny images in 100DOH's layout."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


def write_hands(root: Path) -> Path:
    """Four images: two with a bright hand in contact, one with a dark idle one, one without."""
    for part in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (root / part).mkdir(parents=True)
    for index in range(4):
        image = np.full((64, 64, 3), 100, np.uint8)
        objects = ''
        if index < 3:
            left, top = 8 * index + 4, 12
            grey = 255 if index < 2 else 0
            cv2.rectangle(image, (left, top), (left + 29, top + 35), (grey,) * 3, -1)
            edges = zip(
                ('xmin', 'ymin', 'xmax', 'ymax'),
                (left + 1, top + 1, left + 30, top + 36),
                strict=True,
            )
            box = ''.join(f'<{key}>{edge}</{key}>' for key, edge in edges)
            state = 3 if index < 2 else 0
            objects = (
                f'<object><name>hand</name><bndbox>{box}</bndbox>'
                f'<contactstate>{state}</contactstate></object>'
            )
        cv2.imwrite(str(root / 'JPEGImages' / f'{index}.jpg'), image)
        size = '<size><width>64</width><height>64</height></size>'
        (root / 'Annotations' / f'{index}.xml').write_text(
            f'<annotation>{size}{objects}</annotation>'
        )
    for split in ('trainval', 'validation', 'test'):
        (root / 'ImageSets' / 'Main' / f'{split}.txt').write_text('0\n1\n2\n3\n')
    return root


@pytest.fixture(scope='session')
def hands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hands(tmp_path_factory.mktemp('hands') / 'hands')
