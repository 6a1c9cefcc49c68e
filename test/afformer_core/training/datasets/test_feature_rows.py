# SPDX-License-Identifier: Apache-2.0
"""Rows of features: written in any order, kept when a run is interrupted."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.training.datasets import feature_rows
from afformer_core.training.datasets.feature_rows import FeatureRows, RowSet

IMAGES = RowSet('images', 3, {'images_p3.npy': (1, 2), 'images_p4.npy': (1, 1)})
KEY = {'size': [64, 64]}


def same(found: dict[str, Any]) -> bool:
    return found == KEY


def rows_of(folder: Path, key: dict[str, Any] = KEY) -> FeatureRows:
    return FeatureRows(folder, [IMAGES], key, same)


def content(row: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full((1, 2), row, np.float16), np.full((1, 1), 10 * row, np.float16)


@pytest.fixture(autouse=True)
def saved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_rows, '_SECONDS_UNSAFE', 0.0)


def test_rows_are_where_they_belong_and_the_folder_has_its_name_last(tmp_path: Path) -> None:
    folder = tmp_path / 'kept'
    with rows_of(folder) as rows:
        rows.write('images', [2, 0], [content(2), content(0)])
        rows.write('images', [1], [content(1)])
        assert not folder.exists()
        rows.complete()

    assert np.load(folder / 'images_p3.npy').tolist() == [[[0, 0]], [[1, 1]], [[2, 2]]]
    assert np.load(folder / 'images_p4.npy').tolist() == [[[0]], [[10]], [[20]]]
    assert json.loads((folder / 'key.json').read_text()) == KEY
    assert [path.name for path in tmp_path.iterdir()] == ['kept']
    assert len(list(folder.iterdir())) == 3


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), rows_of(tmp_path / 'kept') as rows:
        rows.write('images', [1], [content(1)])
        raise KeyboardInterrupt

    with rows_of(tmp_path / 'kept') as rows:
        assert rows.missing('images') == [0, 2]
        rows.write('images', [0, 2], [content(0), content(2)])
        rows.complete()
    assert np.load(tmp_path / 'kept' / 'images_p3.npy').tolist() == [[[0, 0]], [[1, 1]], [[2, 2]]]


def test_a_note_that_was_not_written_to_its_end_counts_for_nothing(tmp_path: Path) -> None:
    with rows_of(tmp_path / 'kept') as rows:
        rows.write('images', [0], [content(0)])
    with (tmp_path / '.kept.partial' / 'written.jsonl').open('a') as journal:
        journal.write('["images", [1')

    assert rows_of(tmp_path / 'kept').missing('images') == [1, 2]


@pytest.mark.parametrize('lost', ['key.json', 'images_p4.npy'])
def test_what_is_of_something_else_or_incomplete_is_begun_anew(tmp_path: Path, lost: str) -> None:
    with FeatureRows(tmp_path / 'kept', [IMAGES], {'size': [32, 32]}, same) as rows:
        rows.write('images', [0], [content(0)])
    assert rows_of(tmp_path / 'kept').missing('images') == [0, 1, 2]

    with rows_of(tmp_path / 'kept') as rows:
        rows.write('images', [0], [content(0)])
    (tmp_path / '.kept.partial' / lost).unlink()
    assert rows_of(tmp_path / 'kept').missing('images') == [0, 1, 2]


def test_an_earlier_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / 'kept').mkdir()
    (tmp_path / 'kept' / 'videos_p3.npy').touch()
    with rows_of(tmp_path / 'kept') as rows:
        rows.write('images', [0, 1, 2], [content(0), content(1), content(2)])
        rows.complete()
    assert sorted(path.name for path in (tmp_path / 'kept').iterdir()) == [
        'images_p3.npy', 'images_p4.npy', 'key.json',
    ]  # fmt: skip


def test_room_is_reserved_at_the_beginning(tmp_path: Path) -> None:
    large = RowSet('images', 1000, {'images_p3.npy': (1000,)})
    rows = FeatureRows(tmp_path / 'kept', [large], KEY, same)
    assert rows.lacking(large) == 2_000_000
    with rows:
        assert rows.lacking(large) == 0
