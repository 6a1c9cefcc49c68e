# SPDX-License-Identifier: Apache-2.0
"""A sample is complete when its record is there, whenever a run ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.parallel.resumable_dataset import Production, write_json

FILES = ('clips/train/7.mp4', 'images/train/7.png', 'zones/train/7.json')


def make(index: int, folder: Path) -> int:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(f'{index}')
    return index


def merge(folder: Path, entries: list[Any]) -> None:
    write_json(folder / 'train.json', entries)


def production(folder: Path, made: Callable[[int, Path], int] = make) -> Production:
    return Production(folder, 'train', {'seed': 7}, 1, made, merge)


def complete(folder: Path) -> list[bool]:
    """Whether each file of the sample is there."""
    return [(folder / name).exists() for name in FILES]


@pytest.mark.parametrize('moves', [1, 2, 3])
def test_a_run_that_ends_between_two_files_leaves_no_record(
    moves: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced: list[Path] = []
    replace = os.replace

    def end_after_some(source: Path, goal: Path) -> None:
        # The settings are written before the sample.
        if goal.name != 'simulation.json':
            if len(replaced) == moves:
                raise KeyboardInterrupt
            replaced.append(goal)
        replace(source, goal)

    monkeypatch.setattr(os, 'replace', end_after_some)
    with pytest.raises(KeyboardInterrupt):
        list(production(tmp_path).run())
    monkeypatch.undo()

    assert sum(complete(tmp_path)) == moves
    assert list(tmp_path.rglob('00000.json')) == []

    assert list(production(tmp_path).run()) == [0, 1]
    assert complete(tmp_path) == [True] * 3
    assert (tmp_path / 'train.json').read_text() == '[0]'


def test_a_file_that_cannot_be_moved_takes_the_others_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def refuse_images(source: Path, goal: Path) -> None:
        if goal.suffix == '.png':
            raise OSError(28, 'No space left on device')
        replace(source, goal)

    monkeypatch.setattr(os, 'replace', refuse_images)
    with pytest.raises(DatasetError, match='No space left on device'):
        list(production(tmp_path).run())

    assert complete(tmp_path) == [False] * 3
    assert not (tmp_path / 'train.json').exists()


def test_a_sample_that_is_complete_is_not_made_again(tmp_path: Path) -> None:
    assert list(production(tmp_path).run()) == [0, 1]

    def never(index: int, folder: Path) -> int:
        raise AssertionError

    assert list(production(tmp_path, never).run()) == [1]
