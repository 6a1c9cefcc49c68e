# SPDX-License-Identifier: Apache-2.0
"""`afformer average`."""

from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.runtime.model_folder import read_description


def test_all_models_count_the_same_unless_told(small_folder: Path, tmp_path: Path) -> None:
    models = [str(small_folder)] * 4
    assert main(['average', *models, '--output', str(tmp_path / 'mean')]) == 0

    parts = read_description(tmp_path / 'mean').training['average_of']
    assert [part['share'] for part in parts] == [0.25, 0.25, 0.25, 0.25]


def test_shares_that_make_no_mean_are_refused(
    small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [str(small_folder)] * 2
    output = str(tmp_path / 'mean')
    assert main(['average', *models, '--shares', '0.3', '0.6', '--output', output]) == 1
    assert 'the shares are 0.3, 0.6; expected numbers above 0 of sum 1' in capsys.readouterr().err
