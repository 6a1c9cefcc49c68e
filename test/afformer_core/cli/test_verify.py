# SPDX-License-Identifier: Apache-2.0
"""`afformer verify` from annotations to an exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afformer_core.cli.main import main

from ..offline.training.conftest import write_pairs


def test_a_sound_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['verify', str(write_pairs(tmp_path)), '--decode']) == 0
    output = capsys.readouterr().out
    assert '- samples: 8' in output
    assert '- actions: press 4, hold 5' in output
    assert '- missing or broken: 0' in output


def test_a_missing_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotations = write_pairs(tmp_path)
    (tmp_path / '0.mp4').unlink()
    assert main(['verify', str(annotations), '--json', '-']) == 1
    found = json.loads(capsys.readouterr().out)
    assert found['samples without a problem'] == 6
    (problem,) = found['problems']
    assert problem['what'] == 'clip'
    assert problem['samples'] == ['train/0', 'train/1']
