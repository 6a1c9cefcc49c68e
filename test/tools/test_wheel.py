# SPDX-License-Identifier: Apache-2.0
"""The wheel alone, in an empty environment, grounds: without ROS, a simulator or training."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from afformer_core import __version__
from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import write_video

EXTRAS = ('jinja2', 'lightning', 'mujoco', 'nicegui', 'onnx', 'pyarrow', 'rclpy', 'timm', 'torch')
ABSENT = f"""
import importlib.util
print([name for name in {EXTRAS} if importlib.util.find_spec(name)])"""


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints in a folder, outside of every environment."""
    variables = {'PATH': '/usr/bin:/bin', 'HOME': str(folder), 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def python(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel and what it requires."""
    folder = tmp_path_factory.mktemp('wheel')
    tracked = subprocess.run(
        ['git', 'ls-files'], cwd=root, capture_output=True, text=True, check=True
    )
    for file in tracked.stdout.splitlines():
        if (root / file).is_file():
            (folder / 'clone' / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / file, folder / 'clone' / file)
    subprocess.run([sys.executable, '-m', 'venv', folder / 'venv'], check=True)
    python = folder / 'venv' / 'bin' / 'python'
    for more in (('wheel', '--no-deps', folder / 'clone'), ('install', f'./{wheel_name()}')):
        # From PYTHONPATH, pip would take the package of the clone for an installed one.
        variables = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
        command = [python, '-m', 'pip', '--quiet', *more]
        subprocess.run(command, cwd=folder, env=variables, check=True)
    return python


def wheel_name() -> str:
    return f'afformer-{__version__}-py3-none-any.whl'


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """`press.mp4` and `panel.jpg`, a square that moves."""
    frames = np.random.default_rng(3).integers(90, 110, (6, 96, 128, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[30:60, 20 + 5 * number : 50 + 5 * number] = (200, 60, 30)
    write_video(tmp_path / 'press.mp4', frames, 6.0)
    write_image(tmp_path / 'panel.jpg', frames[2, 7:, 11:])
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_wheel_alone_grounds(root: Path, python: Path, files: Path) -> None:
    assert run(files, python, '-c', ABSENT) == '[]\n'
    # Away from the clone, so that the package is that of the wheel.
    shutil.copytree(root / 'examples', files / 'examples')
    shutil.copy(root / 'test' / 'examples' / 'run_notebook.py', files)

    said = run(files, python, 'examples/ground_two_files.py', 'press.mp4', 'panel.jpg', 'a.png')
    told = run(files, python, 'run_notebook.py', 'examples/ground_two_files.ipynb', 'out.ipynb')
    command = python.parent / 'afformer'
    printed = run(files, command, 'ground', '--json', 'press.mp4', 'panel.jpg')

    summary = said.splitlines()[0]
    assert re.fullmatch(r"Grounding\('[a-z ]+' at \(\d+, \d+\), .*found, presence .+\)", summary)
    assert told.splitlines()[0] == summary
    assert re.search(r'^117x89 pixels; the left half has \d+% of the', told, re.MULTILINE), told
    np.testing.assert_array_equal(read_image(files / 'a.png'), read_image(files / 'answer.png'))
    assert '"backend": "onnxruntime"' in printed
    assert run(files, command, '--version') == f'afformer {__version__}\n'
