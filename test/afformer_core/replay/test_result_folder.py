# SPDX-License-Identifier: Apache-2.0
"""A folder of results appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.replay.result_folder import result_folder


def write_badly(out: Path) -> None:
    with result_folder(out) as folder:
        (folder / 'file').write_text('new')
        raise RuntimeError('the disk is full')


def fill_meanwhile(out: Path) -> None:
    with result_folder(out):
        out.mkdir()
        (out / 'file').write_text('of somebody else')


def test_it_has_its_name_only_when_all_went_well(tmp_path: Path) -> None:
    with result_folder(tmp_path / 'a' / 'out') as folder:
        (folder / 'file').write_text('new')
        assert not (tmp_path / 'a' / 'out').exists()
    assert (tmp_path / 'a' / 'out' / 'file').read_text() == 'new'
    assert [path.name for path in (tmp_path / 'a').iterdir()] == ['out']


def test_after_a_failure_nothing_is_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match='the disk is full'):
        write_badly(tmp_path / 'out')
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'out').mkdir()
    monkeypatch.chdir(tmp_path / 'out')
    with result_folder(Path('.')) as folder:
        (folder / 'summary.json').write_text('new')
    assert (tmp_path / 'out' / 'summary.json').read_text() == 'new'


@pytest.mark.parametrize('name', ['out', 'out/file'])
def test_what_is_there_is_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'file').write_text('mine')
    with pytest.raises(DatasetError, match='exists; choose another folder'):
        result_folder(tmp_path / name).__enter__()
    assert (tmp_path / 'out' / 'file').read_text() == 'mine'


def test_what_came_there_meanwhile_stays(tmp_path: Path) -> None:
    with pytest.raises(OSError, match='not empty'):
        fill_meanwhile(tmp_path / 'out')
    assert [path.name for path in tmp_path.iterdir()] == ['out']
    assert (tmp_path / 'out' / 'file').read_text() == 'of somebody else'
