# SPDX-License-Identifier: Apache-2.0
"""A trial of the simulated robot through ROS, from the command to its numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)


@pytest.mark.slow
@pytest.mark.timeout(620)
def test_a_drawer_is_pulled_as_it_was_shown(tmp_path: Path) -> None:
    command = [sys.executable, '-m', 'afformer_ros.robot_trials', '--scenes', '3']
    options = ['--families', 'keypad', 'boxes', 'drawers', '--json', str(tmp_path / 'trials.json')]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / 'trials.json').read_text())
    assert content['measures']['all']['trials'] == 3
    assert content['provenance']['seed'] == [8]
    pulled = content['trials'][2]
    assert (pulled['family'], pulled['right_pixel']['verdict']) == ('drawers', 'done')


def test_no_scenes_are_an_error() -> None:
    command = [sys.executable, '-m', 'afformer_ros.robot_trials', '--scenes', '0']
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert 'scenes is 0; expected at least 1' in done.stderr
