# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer evaluate` that are refused before a model is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.cli.evaluate import _PROTOCOLS
from afformer_core.cli.main import main
from afformer_core.offline.evaluation.protocols import PROTOCOLS

from ..offline.training.conftest import write_pairs


def test_the_options_are_what_there_is() -> None:
    assert tuple(PROTOCOLS) == _PROTOCOLS


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--processes', '0'), '--processes is 0'),
        (('--protocol', 'buttons'), 'needs boxes of buttons, and train/0'),
        (('--zooms', '1.5', '1.8', '--maximum-stages', '2'), 'leave out --maximum-stages'),
        (('--maximum-stages', '0'), 'maximum_stages is 0; expected at least 1'),
    ],
)
def test_bad_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    annotations = write_pairs(tmp_path)
    assert main(['evaluate', '--annotations', str(annotations), *options]) == 1
    assert message in capsys.readouterr().err
