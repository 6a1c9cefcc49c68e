# SPDX-License-Identifier: Apache-2.0
"""Packages that pip must not replace: a major release of NumPy, NVIDIA's PyTorch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
# Stands for python3: makes an environment whose Python is that of the tests, whose pip tells.
PYTHON3 = """
mkdir -p venv/bin
printf '#!/bin/sh\\nPYTHONPATH=%s exec %s "$@"\\n' '{installed}' '{python}' > venv/bin/python
printf '#!/bin/sh\\necho "$@" > pip_call\\n' > venv/bin/pip
chmod +x venv/bin/python venv/bin/pip
"""


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Run:
    """Runs the script with packages of Debian and of Python, in the test's folder."""

    def script(debian: str, **packages: str) -> subprocess.CompletedProcess[str]:
        commands, installed = tmp_path / 'bin', tmp_path / 'installed'
        for name, version in packages.items():
            metadata = installed / f'{name}-{version}.dist-info' / 'METADATA'
            metadata.parent.mkdir(parents=True)
            metadata.write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n')
        commands.mkdir()
        for name in ('bash', 'sh', 'env', 'dirname', 'touch', 'mkdir', 'chmod'):
            (commands / name).symlink_to(shutil.which(name) or '')
        python3 = PYTHON3.format(installed=installed, python=f'{sys.executable} -S')
        for name, text in (('dpkg-query', f'test "$2" = {debian}'), ('python3', python3)):
            (commands / name).write_text(f'#!/bin/sh\n{text}\n')
            (commands / name).chmod(0o755)
        return subprocess.run(
            [root / 'tools' / 'install_beside_apt.sh', 'export'],
            cwd=tmp_path, env={'PATH': str(commands)}, capture_output=True, text=True,
        )  # fmt: skip

    return script


def test_the_major_release_of_numpy_stays(run: Run, root: Path, tmp_path: Path) -> None:
    done = run('libc6', numpy='1.21.5', torch='2.1.2')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'constraints.txt').read_text() == 'numpy==1.*\n'
    called = (tmp_path / 'pip_call').read_text()
    assert called == f'install --constraint constraints.txt {root}[export]\n'
    assert (tmp_path / 'venv' / 'COLCON_IGNORE').exists()


def test_on_a_jetson_pytorch_stays(run: Run, tmp_path: Path) -> None:
    done = run('nvidia-l4t-core', numpy='1.26.4', torch='2.8.0', torchvision='0.23.0')
    assert done.returncode == 0, done.stderr
    constraints = (tmp_path / 'constraints.txt').read_text()
    assert constraints == 'numpy==1.*\ntorch==2.8.0\ntorchvision==0.23.0\n'


def test_on_a_jetson_without_pytorch_nothing_is_installed(run: Run, tmp_path: Path) -> None:
    done = run('nvidia-l4t-core', numpy='1.26.4', torch='2.8.0')
    assert done.returncode == 1
    assert done.stderr.startswith('error: torchvision is not installed; expected that of NVIDIA')
    assert not (tmp_path / 'pip_call').exists()
