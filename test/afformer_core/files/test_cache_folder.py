# SPDX-License-Identifier: Apache-2.0
"""Where files are kept that can be made again."""

import tempfile
from pathlib import Path

import pytest

from afformer_core.files.cache_folder import cache_folder


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder() == tmp_path / 'afformer'
    monkeypatch.setenv('XDG_CACHE_HOME', 'relative')
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert cache_folder() == tmp_path / 'home' / '.cache' / 'afformer'


def test_a_user_without_a_home_has_a_cache_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user of a container whom /etc/passwd does not know."""

    def unknown(user: int) -> None:
        raise KeyError(user)

    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    monkeypatch.delenv('HOME', raising=False)
    monkeypatch.setattr('pwd.getpwuid', unknown)
    monkeypatch.setattr('os.getuid', lambda: 4711)
    assert cache_folder() == Path(tempfile.gettempdir()) / 'afformer-4711'
