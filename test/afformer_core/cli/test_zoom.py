# SPDX-License-Identifier: Apache-2.0
"""`afformer zoom`."""

from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.models import afformer_small
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.runtime.weights import save_model

from ..conftest import random_model
from ..offline.training.conftest import write_pairs


def test_it_writes_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = replace(afformer_small(('press', 'hold'), (64, 64)), maximum_frames=4)
    save_model(tmp_path / 'model', random_model(small), {})
    annotations = write_pairs(tmp_path)
    # As large as they are, everything is inside.
    words = ['--annotations', annotations, '--output', tmp_path / 'zoomed', '--share', '0.25']
    words += ['--zooms', '1', '1']
    assert main(['zoom', str(tmp_path / 'model'), *map(str, words)]) == 0

    assert capsys.readouterr().out == f'wrote {tmp_path / "zoomed" / "train.json"}\n'
    assert len(open_annotations(tmp_path / 'zoomed' / 'train.json')) == 8
