# SPDX-License-Identifier: Apache-2.0
"""Missing Debian packages are named, then installed; nothing is installed that is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RENDERING = ('libegl1', 'libegl-mesa0', 'libgl1-mesa-dri')


class Machine:
    """A machine whose commands are scripts that write down how they were called."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._tool = root / 'tools' / 'install_system_packages.sh'
        self._folder = folder
        self.calls = folder / 'calls'
        self.calls.write_text('')
        for name in ('bash', 'env', 'grep'):
            (folder / name).symlink_to(shutil.which(name))
        self.has('python', 'exit 0')
        self.has('id', 'echo 0')
        for name in ('cmake', 'cc', 'c++'):
            self.has(name, 'exit 0')
        self.installed()

    def has(self, name: str, script: str) -> None:
        path = self._folder / name
        path.write_text(f'#!/bin/sh\n{script}\n')
        path.chmod(0o755)

    def lacks(self, name: str) -> None:
        (self._folder / name).unlink()

    def record_calls(self, *names: str) -> None:
        for name in names:
            self.has(name, f'echo "{name} $*" >> {self.calls}')

    def installed(self, *packages: str) -> None:
        known = '|'.join(packages) or 'none'
        self.has('dpkg-query', f'case "$4" in {known}) printf installed ;; *) exit 1 ;; esac')

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._tool, 'python'],
            env={'PATH': str(self._folder)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Machine:
    return Machine(root, tmp_path)


def test_nothing_is_done_where_all_is_there(machine: Machine) -> None:
    machine.installed(*RENDERING)
    machine.record_calls('apt-get')
    run = machine.run()
    assert (run.returncode, run.stdout, machine.calls.read_text()) == (0, '', '')


def test_what_is_missing_is_named_and_installed(machine: Machine) -> None:
    machine.installed('libegl1')
    machine.record_calls('apt-get')
    run = machine.run()
    assert run.returncode == 0
    assert run.stdout == 'Installing Debian packages: libegl-mesa0 libgl1-mesa-dri\n'
    assert machine.calls.read_text() == (
        'apt-get update -qq\n'
        'apt-get install -y -qq --no-install-recommends libegl-mesa0 libgl1-mesa-dri\n'
    )


@pytest.mark.parametrize(
    ('tool', 'packages'),
    [('cmake', 'cmake'), ('cc', 'g++'), ('c++', 'g++'), ('', 'python3-venv python3-dev')],
)
def test_what_compiles_the_messages_is_installed(
    machine: Machine, tool: str, packages: str
) -> None:
    machine.installed(*RENDERING)
    if tool:
        machine.lacks(tool)
        without_apt = machine.run()
        assert without_apt.returncode == 1
        assert without_apt.stderr.endswith(f'install the equivalents of: {packages}\n')
    else:
        machine.has('python', 'exit 1')
    machine.record_calls('apt-get')
    assert machine.run().stdout == f'Installing Debian packages: {packages}\n'


def test_another_user_than_root_needs_sudo(machine: Machine) -> None:
    machine.has('id', 'echo 1000')
    machine.record_calls('apt-get')
    run = machine.run()
    assert run.returncode == 1
    assert f'apt-get install {" ".join(RENDERING)}' in run.stderr

    machine.record_calls('sudo')
    assert machine.run().returncode == 0
    assert machine.calls.read_text().startswith('sudo apt-get update')


def test_without_apt_get_it_says_what_may_be_missing(machine: Machine) -> None:
    run = machine.run()
    assert run.returncode == 0
    assert run.stdout.startswith('Not a Debian-like system')
    assert ' '.join(RENDERING) in run.stdout
