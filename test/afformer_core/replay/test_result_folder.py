# SPDX-License-Identifier: Apache-2.0
"""A folder of results appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.replay.result_folder import result_folder


def write_badly(out: Path) -> None:
    with result_folder(out, overwrite=True) as folder:
        (folder / 'file').write_text('new')
        raise RuntimeError('the disk is full')


def test_it_has_its_name_only_when_all_went_well(tmp_path: Path) -> None:
    with result_folder(tmp_path / 'a' / 'out', overwrite=False) as folder:
        (folder / 'file').write_text('new')
        assert not (tmp_path / 'a' / 'out').exists()
    assert (tmp_path / 'a' / 'out' / 'file').read_text() == 'new'
    assert [path.name for path in (tmp_path / 'a').iterdir()] == ['out']


def test_after_a_failure_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'file').write_text('old')
    with pytest.raises(RuntimeError, match='the disk is full'):
        write_badly(tmp_path / 'out')
    assert [path.name for path in tmp_path.iterdir()] == ['out']
    assert (tmp_path / 'out' / 'file').read_text() == 'old'


def test_what_exists_is_replaced_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'other').write_text('old')
    refused = result_folder(tmp_path / 'out', overwrite=False)
    with pytest.raises(DatasetError, match='out exists; choose another folder or give'):
        refused.__enter__()
    with result_folder(tmp_path / 'out', overwrite=True) as folder:
        (folder / 'file').write_text('new')
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['file']


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / 'out').write_text('')
    with pytest.raises(DatasetError, match='is a file'):
        result_folder(tmp_path / 'out', overwrite=True).__enter__()
