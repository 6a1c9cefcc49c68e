# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/tutorials/own_videos.md lead from three pairs to a measured model."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from afformer_core.cli.main import main

# Enough to see that the pairs are learnt.
FEW_STEPS = ['--trainer.max_steps', '20']


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """Of a user: three clips, an image of each object, and the configurations of the clone."""
    simulated = tmp_path / 'simulated'
    options = '--scenes', '3', '--demonstrations', '1', '--targets', '1'
    assert main(['simulate', str(simulated), '--split', 'validation', *options]) == 0
    for number in range(3):
        object_folder = tmp_path / 'user' / 'my_pairs' / f'object_{number}'
        for kind, made in (('demonstrations', 'clips/{}/0.mp4'), ('images', 'images/{}/0.jpg')):
            object_folder.joinpath(kind).mkdir(parents=True)
            (source,) = simulated.glob(made.format(f'validation/{number:05}'))
            source.rename(object_folder / kind / source.name)
    (tmp_path / 'user' / 'config').symlink_to(root / 'config')
    return tmp_path / 'user'


def mark_points(folder: Path) -> None:
    """Save the tables that a user clicks together on the page."""
    simulated = folder.parent / 'simulated'
    names = json.loads((simulated / 'actions.json').read_text())
    for number, pair in enumerate(json.loads((simulated / 'validation.json').read_text())):
        x, y = pair['heatmaps'][0][0]
        row = f'0.mp4,0.jpg,{names[pair["actions"][0] - 1]},{x},{y}'
        table = folder / 'my_pairs' / f'object_{number}' / 'points.csv'
        table.write_text(f'demonstration,image,action,x,y\n{row}\n')


def run(folder: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'afformer_core.cli.main', *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def kld_of(name: str, report: str) -> float:
    """In the first table of a comparison."""
    row = re.search(rf'^\| {name} +\| +([\d.]+) \[', report, re.MULTILINE)
    assert row is not None, report
    return float(row[1])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_from_three_pairs_to_a_measured_model(
    root: Path, folder: Path, tmp_path: Path, blocks_of: Any
) -> None:
    text = (root / 'docs' / 'tutorials' / 'own_videos.md').read_text()
    (found,) = re.findall(r'<!-- own pairs -->\n(```sh\n.*?```\n)', text, re.DOTALL)
    ((block),) = blocks_of(found)
    (tmp_path / 'words').mkdir()
    install, mark, verify, train, export, evaluate = block.commands(tmp_path / 'words')
    # The environment of the tests has what it installs, and other tests click in the studio.
    assert install[:2] == ['pip', 'install']
    assert mark == ['afformer', 'studio', '--pairs', 'my_pairs']

    mark_points(folder)
    assert 'missing or broken: 0' in run(folder, verify[1:]).stdout
    trained = run(folder, [*train[1:], *FEW_STEPS])
    assert 'Warning' not in trained.stderr + trained.stdout
    run(folder, export[1:])
    told = run(folder, evaluate[1:]).stdout
    shipped, trained_kld = (kld_of(name, told) for name in ('shipped', 'espresso'))
    assert trained_kld < shipped - 0.05
