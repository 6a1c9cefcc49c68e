# SPDX-License-Identifier: Apache-2.0
"""A browser for the tests of pages is installed on Debian alone, once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SKIPPED = 'Chromium is not installed; the tests of pages skip themselves\n'
INSTALLED = 'Installing the Debian package chromium\n'


def run(root: Path, folder: Path, system: str, *, apt: str = 'exit 0', browser: str = '') -> str:
    """Run the script where commands are scripts that write down how they were called."""
    for name in ('bash', 'env', 'grep'):
        (folder / name).symlink_to(shutil.which(name))
    scripts = {'id': 'echo 0', 'apt-get': f'echo "$*" >> {folder / "calls"}; {apt}'}
    for name, script in (scripts | ({browser: 'exit 0'} if browser else {})).items():
        (folder / name).write_text(f'#!/bin/sh\n{script}\n')
        (folder / name).chmod(0o755)
    (folder / 'os-release').write_text(f'NAME=some\nID={system}\n')
    done = subprocess.run(
        [root / 'tools' / 'install_browser.sh'],
        env={'PATH': str(folder), 'OS_RELEASE': str(folder / 'os-release')},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_it_is_installed_on_debian(root: Path, tmp_path: Path) -> None:
    assert run(root, tmp_path, 'debian') == INSTALLED
    assert (tmp_path / 'calls').read_text() == (
        'update -qq\ninstall -y -qq --no-install-recommends chromium\n'
    )


@pytest.mark.parametrize(
    ('system', 'browser', 'said'),
    [('debian', 'chromium', ''), ('debian', 'google-chrome', ''), ('ubuntu', '', SKIPPED)],
)
def test_nothing_is_installed_where_there_is_one_or_elsewhere(
    root: Path, tmp_path: Path, system: str, browser: str, said: str
) -> None:
    assert run(root, tmp_path, system, browser=browser) == said
    assert not (tmp_path / 'calls').exists()


def test_without_a_network_the_tests_go_on(root: Path, tmp_path: Path) -> None:
    assert run(root, tmp_path, 'debian', apt='exit 100') == INSTALLED + SKIPPED
