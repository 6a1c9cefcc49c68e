# SPDX-License-Identifier: Apache-2.0
"""`afformer verify` from annotations to an exit status."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.media.video import write_video


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    write_video(tmp_path / 'a.mp4', np.zeros((3, 48, 64, 3), np.uint8), 10.0)
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.zeros((48, 64, 3), np.uint8))
    entry = {
        'image_path': 'a.jpg',
        'video_path': 'a.mp4',
        'width': 64,
        'height': 48,
        'actions': [4],
        'heatmaps': [[[1, 2]]],
    }
    path = tmp_path / 'test.json'
    path.write_text(json.dumps([entry, {**entry, 'actions': [1, 4], 'heatmaps': [[[1, 2]]] * 2}]))
    return path


def test_a_sound_dataset(annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['verify', str(annotations), '--decode']) == 0
    output = capsys.readouterr().out
    assert '- samples: 2' in output
    assert '- actions: hold 1, push 2' in output
    assert '- missing or broken: 0' in output


def test_a_missing_image(annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotations.with_name('a.jpg').unlink()
    assert main(['verify', str(annotations), '--json', '-']) == 1
    found = json.loads(capsys.readouterr().out)
    assert found['samples without a problem'] == 0
    (problem,) = found['problems']
    assert problem['what'] == 'image'
    assert problem['samples'] == ['test/0', 'test/1']
