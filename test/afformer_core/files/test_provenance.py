# SPDX-License-Identifier: Apache-2.0
"""Provenance of results: commit, packages, hardware, seed and data."""

from __future__ import annotations

import hashlib
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from afformer_core.files import provenance


def test_names_the_commit_of_the_clone(root: Path) -> None:
    words = ['git', 'rev-parse', '--short=12', 'HEAD']
    head = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout
    provenance.commit.cache_clear()
    assert provenance.commit().rstrip('+') == head.strip()


def test_an_installed_package_has_no_commit_of_the_repository_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / 'venv' / 'afformer_core'
    folder.mkdir(parents=True)
    (folder / '__init__.py').touch()
    (tmp_path / 'mine.txt').touch()
    identity = ['-c', 'user.name=A', '-c', 'user.email=a@b.c']
    for words in (['init', '-q'], ['add', 'mine.txt'], [*identity, 'commit', '-qm', 'mine']):
        subprocess.run(['git', *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, '_PACKAGE', folder)
    provenance.commit.cache_clear()
    try:
        assert provenance.commit() == 'unknown'
    finally:
        provenance.commit.cache_clear()


def test_lists_the_loaded_packages() -> None:
    packages = provenance.loaded_packages()
    assert packages['numpy'] == version('numpy')
    assert 'mkdocs-material' not in packages


def test_hashes_the_data_and_names_the_seed(tmp_path: Path) -> None:
    (tmp_path / 'pairs.json').write_bytes(b'[1]')
    made = provenance.provenance(7, [tmp_path / 'pairs.json', tmp_path / 'absent.json'])
    assert made['seed'] == 7
    assert provenance.provenance((505, 606))['seed'] == [505, 606]
    assert made['data'] == {str(tmp_path / 'pairs.json'): hashlib.sha256(b'[1]').hexdigest()}


def test_without_data_and_seed_there_is_no_such_entry() -> None:
    assert {'seed', 'data'}.isdisjoint(provenance.provenance())
