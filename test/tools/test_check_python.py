# SPDX-License-Identifier: Apache-2.0
"""A Python without ROS 2 wheels is refused with a sentence that says what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def _check(root: Path, python: str | Path) -> subprocess.CompletedProcess[str]:
    tool = root / 'tools' / 'check_python.sh'
    return subprocess.run([tool, python], capture_output=True, text=True, check=False)


def _python_that_prints(folder: Path, text: str) -> Path:
    script = folder / 'python'
    script.write_text(f"#!/bin/sh\necho '{text}'\n")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize('minor', [11, 14])
def test_pythons_with_wheels_pass(root: Path, tmp_path: Path, minor: int) -> None:
    python = _python_that_prints(tmp_path, f'3 {minor} CPython Linux x86_64')
    assert _check(root, python).returncode == 0


@pytest.mark.parametrize(
    ('found', 'complaint'),
    [
        ('3 10 CPython Linux x86_64', 'is CPython 3.10'),
        ('3 15 CPython Linux x86_64', 'is CPython 3.15'),
        ('3 11 PyPy Linux x86_64', 'is PyPy 3.11'),
        ('3 11 CPython Linux aarch64', 'this is Linux on aarch64'),
        ('3 12 CPython Darwin x86_64', 'this is Darwin on x86_64'),
    ],
)
def test_others_are_refused(root: Path, tmp_path: Path, found: str, complaint: str) -> None:
    run = _check(root, _python_that_prints(tmp_path, found))
    assert run.returncode == 1
    assert complaint in run.stderr


def test_a_python_that_does_not_exist_is_named(root: Path) -> None:
    run = _check(root, '/nowhere/python3')
    assert run.returncode == 1
    assert "'/nowhere/python3' does not run" in run.stderr


def test_the_python_of_these_tests_is_told_by_its_version(root: Path) -> None:
    accepted = (3, 11) <= sys.version_info[:2] <= (3, 14)
    assert (_check(root, sys.executable).returncode == 0) == accepted
