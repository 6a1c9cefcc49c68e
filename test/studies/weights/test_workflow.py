# SPDX-License-Identifier: Apache-2.0
"""The whole workflow of the weights in two steps of each training."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from afformer_core.runtime.model_folder import read_description, read_matching

_MINUTES = 40


@pytest.mark.slow
@pytest.mark.timeout(_MINUTES * 60)
def test_weights_are_made_with_their_card_and_not_again(root: Path, tmp_path: Path) -> None:
    program = shutil.which('snakemake') or root / '.venv' / 'snakemake' / 'bin' / 'snakemake'
    if not Path(program).is_file():
        pytest.skip('snakemake is not installed; `make test-slow` does it')
    command = [
        str(program),
        '--snakefile=studies/weights/Snakefile',
        '--workflow-profile=studies/profiles/default',
        '--configfile=studies/weights/smoke.yaml',
        '--config',
        f'output={tmp_path}',
    ]

    first = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr[-3000:]

    model = tmp_path / 'model'
    description = read_description(model)
    assert description.configuration.input_size == (192, 192)
    assert len(description.zoom_stages) == 2
    assert read_matching(model, description) is not None
    assert description.valid_calibrations.presence is not None
    assert '| test-unseen |' in (model / 'MODEL_CARD.md').read_text()
    again = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert 'Nothing to be done' in again.stdout + again.stderr
