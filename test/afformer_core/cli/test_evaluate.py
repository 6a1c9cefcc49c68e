# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer evaluate` that are refused before a model is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afformer_core.cli.evaluate import _PROTOCOLS
from afformer_core.cli.main import main
from afformer_core.offline.evaluation.protocols import PROTOCOLS


@pytest.fixture(scope='module')
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entry = {
        'image_path': 'datasets/opra/images/0.jpg',
        'video_path': 'datasets/opra/clips/0.mp4',
        'width': 256,
        'height': 256,
        'actions': [1],
        'heatmaps': [[[40, 120]]],
    }
    path = tmp_path_factory.mktemp('opra') / 'test.json'
    path.write_text(json.dumps([entry]))
    return path


def test_the_options_are_what_there_is() -> None:
    assert tuple(PROTOCOLS) == _PROTOCOLS


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--processes', '0'), '--processes is 0'),
        (('--protocol', 'buttons'), 'needs boxes of buttons, and test/0'),
        (('--zooms', '1.5', '1.8', '--maximum-stages', '2'), 'leave out --maximum-stages'),
        (('--maximum-stages', '0'), 'maximum_stages is 0; expected at least 1'),
    ],
)
def test_bad_options(
    annotations: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert main(['evaluate', '--annotations', str(annotations), *options]) == 1
    assert message in capsys.readouterr().err
