# SPDX-License-Identifier: Apache-2.0
"""A virtual environment is made anew where it was moved or another Python is asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def _python(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with an environment of Python 3.11."""
    clone = tmp_path / 'clone'
    _python(clone / '.venv' / 'bin' / 'python', '/usr 3 11 2')
    (clone / '.venv' / '.created').write_text(f'{clone}\n')
    return clone


def _said(root: Path, clone: Path, *python: Path) -> str:
    tool = root / 'tools' / 'environment_is_stale.sh'
    return subprocess.run(
        [tool, '.venv', *python], cwd=clone, capture_output=True, text=True, check=True
    ).stdout


def test_one_that_stands_where_it_was_made_stays(root: Path, clone: Path) -> None:
    assert _said(root, clone) == ''


def test_one_that_was_moved_or_is_not_there_is_made_anew(root: Path, clone: Path) -> None:
    assert _said(root, clone.parent) == 'FORCE\n'
    moved = clone.rename(clone.parent / 'moved')
    assert _said(root, moved) == 'FORCE\n'


@pytest.mark.parametrize(
    ('asked', 'said'),
    [('/usr 3 11 2', ''), ('/usr 3 12 1', 'FORCE\n'), ('/opt 3 11 2', 'FORCE\n')],
)
def test_another_python_makes_it_anew(root: Path, clone: Path, asked: str, said: str) -> None:
    assert _said(root, clone, _python(clone.parent / 'python3', asked)) == said


def test_a_python_that_does_not_run_is_left_to_the_check_that_names_it(
    root: Path, clone: Path
) -> None:
    assert _said(root, clone, Path('/nowhere/python3')) == 'FORCE\n'
