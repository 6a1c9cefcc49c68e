# SPDX-License-Identifier: Apache-2.0
"""A folder of pairs with outlined parts, and single pairs of literal outlines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.data.readers.part_pairs import PartPair, PartPairsDataset
from afformer_core.media.video import write_video

PairMaker = Callable[..., PartPair]


@pytest.fixture
def make_pair(tmp_path: Path) -> PairMaker:
    """Makes a pair on a target of 100x50 without media; one part from (20, 10) to (40, 30)."""

    def make(**changes: Any) -> PartPair:
        entry = {
            'clip': 'clip.mp4',
            'target': 'target.png',
            'target_size': [100, 50],
            'parts': [[[20, 10], [40, 10], [40, 30], [20, 30]]],
            'action': 'pull',
            **changes,
        }
        (tmp_path / 'pairs.json').write_text(json.dumps([entry]))
        return PartPairsDataset(tmp_path).pairs[0]

    return make


def textured(seed: int) -> np.ndarray:
    """An image of 160x120 in which every point looks like no other."""
    noise = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (160, 120), interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope='session')
def part_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs, each of a still clip and a target that shows the same moved by (20, 10).

    The contact is marked at (60, 50); the part is from (70, 50) to (90, 70), around (80, 60). The
    centre of the image is (79.5, 59.5), and inside. The first two pairs are of one source video.
    """
    folder = tmp_path_factory.mktemp('part_pairs')
    entries = []
    for number in range(3):
        image = textured(number)
        write_video(folder / f'{number}.mp4', np.repeat(image[None], 4, 0), 10.0, 5)
        moved = cv2.warpAffine(
            image, np.float32([[1, 0, 20], [0, 1, 10]]), (160, 120), borderMode=cv2.BORDER_WRAP
        )
        cv2.imwrite(str(folder / f'{number}.png'), cv2.cvtColor(moved, cv2.COLOR_RGB2BGR))
        entries.append(
            {
                'id': f'pair {number}',
                'clip': f'{number}.mp4',
                'target': f'{number}.png',
                'parts': [[[70, 50], [90, 50], [90, 70], [70, 70]]],
                'action': 'press',
                'accepted_actions': ['press', 'hold'] if number else ['press'],
                'kind': 'other-shot' if number else 'same-scene',
                'source_video': f'video {max(1, number)}',
                'before': {'frame': 1, 'x': 60, 'y': 50},
                'robot': number == 2,
            }
        )
    (folder / 'pairs.json').write_text(json.dumps(entries))
    return folder
