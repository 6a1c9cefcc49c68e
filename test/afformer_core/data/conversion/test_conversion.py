# SPDX-License-Identifier: Apache-2.0
"""Conversion to manifests and folders of pairs, and back."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.annotations import open_annotations
from afformer_core.data.verification import find_problems

from ..trees.holoassist import FIRST
from .conftest import holoassist, part_pairs


def contents(dataset: AnnotatedDataset) -> list[Any]:
    """All fields of the samples as plain values, with absolute paths."""
    return [plain(sample) for sample in dataset]


def plain(value: Any) -> Any:
    """Values that compare by all that they hold."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, np.ndarray):
        return value.dtype, value.tolist()
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value.resolve() if isinstance(value, Path) else value


@pytest.mark.parametrize('name', ['all.jsonl', 'all.parquet'])
def test_a_manifest_gives_the_samples_that_it_was_made_of(
    annotations: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / 'elsewhere' / name
    before = open_annotations(annotations)

    assert main(['convert', str(annotations), str(output)]) == 0

    after = open_annotations(output)
    assert after.action_names == before.action_names
    assert contents(after) == contents(before)


def test_lines_and_parquet_hold_the_same(annotations: Path, tmp_path: Path) -> None:
    lines, table, back = (tmp_path / f'{name}' for name in ('a.jsonl', 'a.parquet', 'b.jsonl'))

    for before, after in ((annotations, lines), (lines, table), (table, back)):
        assert main(['convert', str(before), str(after)]) == 0

    assert back.read_bytes() == lines.read_bytes()


def test_a_manifest_moves_with_its_folder(annotations: Path, tmp_path: Path) -> None:
    main(['convert', str(annotations), str(tmp_path / 'manifests/all.jsonl')])
    before = open_annotations(tmp_path / 'manifests/all.jsonl')

    folders, moved = list(tmp_path.iterdir()), tmp_path / 'elsewhere'
    moved.mkdir()
    for folder in folders:
        shutil.move(folder, moved / folder.name)

    after = open_annotations(moved / 'manifests/all.jsonl')
    for old, new in zip(before, after, strict=True):
        for path in ('video_path', 'image_path'):
            expected = getattr(old, path).relative_to(tmp_path)
            assert getattr(new, path).relative_to(moved) == expected


def test_a_manifest_and_its_media_can_be_moved_together(pairs: Path, tmp_path: Path) -> None:
    main(['convert', str(pairs), str(pairs / 'pairs.jsonl')])

    shutil.move(pairs, tmp_path / 'moved')

    assert find_problems(open_annotations(tmp_path / 'moved/pairs.jsonl'), progress=False) == []


def test_own_pairs_come_back_from_a_manifest(pairs: Path, tmp_path: Path) -> None:
    main(['convert', str(pairs), str(tmp_path / 'pairs.jsonl')])
    shutil.move(pairs, tmp_path / 'original')
    (tmp_path / 'pairs').symlink_to(tmp_path / 'original')

    assert main(['convert', str(tmp_path / 'pairs.jsonl'), str(tmp_path / 'back')]) == 0

    assert (tmp_path / 'back/actions.txt').read_text() == 'turn\npress\nhold\nopen\n'
    assert (tmp_path / 'back/licence.txt').read_text() == 'CC-BY-4.0\n'
    after = open_annotations(tmp_path / 'back')
    assert find_problems(after, progress=False) == []
    assert [sample.sample_id for sample in after] == [
        'dish_washer/press.mp4/kitchen.jpg',
        'dish_washer/turn/kitchen.jpg',
        'espresso/press.mp4/kitchen.jpg',
        'espresso/turn/kitchen.jpg',
    ]
    before = contents(open_annotations(tmp_path / 'original'))
    assert [each['points'] for each in contents(after)] == [each['points'] for each in before]
    assert [each['actions'] for each in contents(after)] == [each['actions'] for each in before]


def test_files_of_one_name_get_names_of_their_own(pairs: Path, tmp_path: Path) -> None:
    rows = [
        {
            'clip': f'pairs/{name}/demonstrations/press.mp4',
            'target': f'pairs/{name}/images/kitchen.jpg',
            'action': 'press',
            'points': [[number, 2]],
        }
        for number, name in enumerate(('espresso', 'dish washer'))
    ]
    (tmp_path / 'all.jsonl').write_text('\n'.join(map(json.dumps, rows)))

    assert main(['convert', str(tmp_path / 'all.jsonl'), str(tmp_path / 'back')]) == 0

    assert [sample.sample_id for sample in open_annotations(tmp_path / 'back')] == [
        'press.mp4/kitchen.jpg',
        'demonstrations_press.mp4/images_kitchen.jpg',
    ]


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'clip_seconds': [0, 1]}, 'is a part of'),
        ({'boxes': [[1, 2, 5, 6]]}, 'has masks, which a folder of pairs cannot hold'),
        ({'licence': 'MIT'}, 'the licences are MIT, unknown; a folder of pairs contains one'),
        ({'clip': 'lost.mp4'}, 'lost.mp4 does not exist; expected a file to copy'),
    ],
)
def test_what_a_folder_of_pairs_cannot_hold_is_an_error(
    pairs: Path,
    tmp_path: Path,
    change: dict[str, Any],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {
        'clip': 'pairs/espresso/demonstrations/press.mp4',
        'target': 'pairs/espresso/images/kitchen.jpg',
        'action': 'press',
        'points': [[1, 2]],
    }
    rows = [row, {**row, 'id': 'b', **change}]
    (tmp_path / 'all.jsonl').write_text('\n'.join(map(json.dumps, rows)))

    assert main(['convert', str(tmp_path / 'all.jsonl'), str(tmp_path / 'back')]) == 1

    assert expected in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {'pairs', 'all.jsonl'}


def test_own_pairs_become_the_json_of_opra(pairs: Path, tmp_path: Path) -> None:
    output = tmp_path / 'as_opra/test.json'

    assert main(['convert', str(pairs), str(output)]) == 0

    after, before = open_annotations(output, pairs), open_annotations(pairs)
    assert after.action_names == before.action_names
    keys = ('video_path', 'image_path', 'actions', 'points')
    assert [[each[key] for key in keys] for each in contents(after)] == [
        [each[key] for key in keys] for each in contents(before)
    ]
    assert {sample.origin for sample in after} == {sample.origin for sample in before}


def test_the_json_of_opra_holds_no_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = part_pairs(tmp_path / 'parts')

    assert main(['convert', str(folder), str(tmp_path / 'as_opra/test.json')]) == 1

    assert "has masks, which OPRA's JSON cannot hold" in capsys.readouterr().err
    assert not (tmp_path / 'as_opra').exists()


@pytest.mark.parametrize(
    ('output', 'expected'),
    [('taken', 'exists. Remove it'), ('all.csv', 'an unknown ending; expected one of .jsonl')],
)
def test_a_wrong_output_is_an_error(
    pairs: Path, tmp_path: Path, output: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'taken').mkdir()

    assert main(['convert', str(pairs), str(tmp_path / output)]) == 1

    assert expected in capsys.readouterr().err


def test_the_licences_of_what_was_converted_are_printed(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(['convert', str(pairs), str(tmp_path / 'all.jsonl')])

    assert '- pairs: 4, licence CC-BY-4.0 (permissive)' in capsys.readouterr().out


def test_samples_of_one_name_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = holoassist(tmp_path / 'holoassist')
    first, second = json.loads(annotations.read_text())
    annotations.write_text(json.dumps([first, second, first]))

    assert main(['convert', str(annotations), str(tmp_path / 'all.jsonl')]) == 1

    assert f'2 samples are named {FIRST}/0; expected one' in capsys.readouterr().err
    assert not (tmp_path / 'all.jsonl').exists()


@pytest.mark.parametrize('name', ['all.jsonl', 'all.parquet'])
def test_a_name_that_is_not_unicode_is_an_error(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = part_pairs(tmp_path / os.fsdecode(b'K\xfcche'))

    assert main(['convert', str(folder), str(tmp_path / name)]) == 1

    assert "a.mp4' is not a path in UTF-8" in capsys.readouterr().err
    assert not (tmp_path / name).exists()
