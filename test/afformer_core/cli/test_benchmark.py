# SPDX-License-Identifier: Apache-2.0
"""`afformer benchmark run` on a small folder in the layout of the benchmark."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.media.video import write_video

EXAMPLE = Path(__file__).parents[3] / 'examples' / 'benchmark_centre.py'


@pytest.fixture(scope='module')
def benchmark_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs of 160x120, with the centre (79.5, 59.5) inside the part of the last two."""
    folder = tmp_path_factory.mktemp('benchmark')
    (folder / 'kitchen').mkdir()
    entries = []
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (15, 20, 3), np.uint8)
        image = cv2.resize(noise, (160, 120), interpolation=cv2.INTER_CUBIC)
        write_video(folder / 'kitchen' / f'{number}.mp4', [image] * 3, 10.0)
        cv2.imwrite(str(folder / 'kitchen' / f'{number}.png'), image)
        left = 60 if number else 100
        entries.append(
            {
                'clip': f'{number}.mp4',
                'target': f'{number}.png',
                'parts': [[[left, 50], [left + 30, 50], [left + 30, 75], [left, 75]]],
                'action': 'pull',
                'before': {'frame': 0, 'x': 40, 'y': 31},
            }
        )
    (folder / 'kitchen' / 'pairs.json').write_text(json.dumps(entries))
    return folder


@pytest.fixture(scope='module')
def measured(benchmark_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The numbers of the example that answers with the centre."""
    file = tmp_path_factory.mktemp('numbers') / 'row.json'
    command = f'{sys.executable} {EXAMPLE}'
    assert main(['benchmark', 'run', command, str(benchmark_folder), '--json', str(file)]) == 0
    return json.loads(file.read_text())


def test_the_example_scores_as_the_centre(measured: Any) -> None:
    system = measured['measures']['predictors']['system']
    assert system['inside']['value'] == pytest.approx(2 / 3)
    # (79.5, 59.5) is 20.5 pixels from 100, and the size of the part is 27.4
    assert system['near']['value'] == pytest.approx(2 / 3)
    assert system['within_size']['value'] == 1
    assert system['other_inside']['value'] == pytest.approx(2 / 3)
    assert [Path(file).name for file in measured['provenance']['data']] == ['pairs.json']
