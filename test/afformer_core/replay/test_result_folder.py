# SPDX-License-Identifier: Apache-2.0
"""A folder of results appears whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.replay.result_folder import result_folder


def write_badly(out: Path) -> None:
    with result_folder(out, overwrite=True) as folder:
        (folder / 'file').write_text('new')
        raise RuntimeError('the disk is full')


def lose_what_was_written(out: Path) -> None:
    with result_folder(out, overwrite=True) as folder:
        shutil.rmtree(folder)


def fill_meanwhile(out: Path) -> None:
    with result_folder(out, overwrite=False):
        out.mkdir()
        (out / 'file').write_text('of somebody else')


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The folder of an earlier replay, in a folder of its own."""
    folder = tmp_path / 'replays' / 'out'
    (folder / 'bag').mkdir(parents=True)
    (folder / 'summary.json').write_text('old')
    return folder


def test_it_has_its_name_only_when_all_went_well(tmp_path: Path) -> None:
    with result_folder(tmp_path / 'a' / 'out', overwrite=False) as folder:
        (folder / 'file').write_text('new')
        assert not (tmp_path / 'a' / 'out').exists()
    assert (tmp_path / 'a' / 'out' / 'file').read_text() == 'new'
    assert [path.name for path in (tmp_path / 'a').iterdir()] == ['out']


def test_after_a_failure_what_was_there_stays(earlier: Path) -> None:
    with pytest.raises(RuntimeError, match='the disk is full'):
        write_badly(earlier)
    assert [path.name for path in earlier.parent.iterdir()] == ['out']
    assert (earlier / 'summary.json').read_text() == 'old'


def test_what_was_there_comes_back_where_the_new_cannot_take_its_name(earlier: Path) -> None:
    with pytest.raises(FileNotFoundError):
        lose_what_was_written(earlier)
    assert [path.name for path in earlier.parent.iterdir()] == ['out']
    assert (earlier / 'summary.json').read_text() == 'old'


def test_an_earlier_replay_is_replaced_only_when_asked(earlier: Path) -> None:
    refused = result_folder(earlier, overwrite=False)
    with pytest.raises(DatasetError, match='out exists; choose another folder or give'):
        refused.__enter__()
    with result_folder(earlier, overwrite=True) as folder:
        (folder / 'summary.json').write_text('new')
    assert [path.name for path in earlier.parent.iterdir()] == ['out']
    assert [path.name for path in earlier.iterdir()] == ['summary.json']
    assert (earlier / 'summary.json').read_text() == 'new'


def test_an_empty_folder_is_replaced_when_asked(tmp_path: Path) -> None:
    (tmp_path / 'out').mkdir()
    with result_folder(tmp_path / 'out', overwrite=True) as folder:
        (folder / 'summary.json').write_text('new')
    assert (tmp_path / 'out' / 'summary.json').read_text() == 'new'


def test_what_no_replay_wrote_is_never_replaced(earlier: Path) -> None:
    (earlier / 'thesis.tex').write_text('mine')
    refused = result_folder(earlier, overwrite=True)
    with pytest.raises(
        DatasetError, match=r'is not the result .* because it contains thesis\.tex'
    ):
        refused.__enter__()
    assert (earlier / 'thesis.tex').read_text() == 'mine'


def test_a_folder_without_a_summary_is_never_replaced(earlier: Path) -> None:
    (earlier / 'summary.json').unlink()
    refused = result_folder(earlier, overwrite=True)
    with pytest.raises(DatasetError, match=r'because it contains no summary\.json'):
        refused.__enter__()
    assert (earlier / 'bag').is_dir()


def test_what_came_there_meanwhile_stays(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='is not the result of a replay'):
        fill_meanwhile(tmp_path / 'out')
    assert [path.name for path in tmp_path.iterdir()] == ['out']
    assert (tmp_path / 'out' / 'file').read_text() == 'of somebody else'


@pytest.mark.parametrize('name', ['.', 'bag', 'bag/../../out'])
def test_what_is_read_is_never_replaced(
    earlier: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(earlier)
    refused = result_folder(Path(name), overwrite=True, inputs=[Path('bag')])
    with pytest.raises(DatasetError, match='would replace bag, which is an input'):
        refused.__enter__()
    assert (earlier / 'bag').is_dir()


def test_the_folder_may_be_where_one_stands(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(earlier)
    with result_folder(Path('.'), overwrite=True) as folder:
        (folder / 'summary.json').write_text('new')
    assert (earlier / 'summary.json').read_text() == 'new'


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / 'out').write_text('')
    with pytest.raises(DatasetError, match='is a file'):
        result_folder(tmp_path / 'out', overwrite=True).__enter__()
