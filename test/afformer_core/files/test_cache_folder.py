# SPDX-License-Identifier: Apache-2.0
"""Where files are kept that can be made again."""

from pathlib import Path

import pytest

from afformer_core.files.cache_folder import cache_folder


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder() == tmp_path / 'afformer'
    monkeypatch.setenv('XDG_CACHE_HOME', 'relative')
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert cache_folder() == tmp_path / 'home' / '.cache' / 'afformer'
