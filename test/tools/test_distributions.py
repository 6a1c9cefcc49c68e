# SPDX-License-Identifier: Apache-2.0
"""The Makefile builds each distribution of ROS 2 in folders of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest


def _make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ['make', '--dry-run', '--always-make', *words]
    # `make test` passes its own words on.
    environment = {
        name: value for name, value in os.environ.items() if name not in ('MAKEFLAGS', 'DISTRO')
    }
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize(
    ('words', 'suffix', 'distribution'),
    [([], '', 'kilted'), (['DISTRO=jazzy'], '-jazzy', 'jazzy')],
)
def test_a_distribution_has_its_folders_and_its_wheels(
    root: Path, words: list[str], suffix: str, distribution: str
) -> None:
    recipe = _make(root, 'setup', *words).stdout
    assert re.findall(r'-m venv --clear (\S+)', recipe) == [f'.venv{suffix}']
    assert re.findall(r'--(?:build|install)-base (\S+)', recipe) == [
        f'build{suffix}/colcon',
        f'install{suffix}',
    ]
    assert set(re.findall(r'--requirement (\S+)', recipe)) == {
        f'tools/ros_requirements/{distribution}.txt'
    }
    assert (
        re.findall(r'rm -rf (build\S* \S+)', recipe)[0] == f'build{suffix}/colcon install{suffix}'
    )


def test_another_distribution_is_refused(root: Path) -> None:
    made = _make(root, 'setup', 'DISTRO=foxy')
    assert made.returncode != 0
    assert 'DISTRO is foxy; expected jazzy kilted' in made.stderr
