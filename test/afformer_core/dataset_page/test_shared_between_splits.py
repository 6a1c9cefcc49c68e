# SPDX-License-Identifier: Apache-2.0
"""Samples and videos that two splits have in common."""

from __future__ import annotations

import shutil
from pathlib import Path

from afformer_core.data.annotations import open_annotations
from afformer_core.dataset_page.shared_between_splits import shared_issues

from .conftest import HEADER, write_object


def shared(path: Path, other: Path) -> dict[str, tuple[int, tuple[str, ...]]]:
    found = shared_issues(open_annotations(path), open_annotations(other), progress=False)
    return {each.kind: (each.count, each.examples) for each in found}


def other_pairs(folder: Path, name: str) -> Path:
    table = HEADER + 'press.mp4,office.png,press,3,4\n'
    write_object(folder / name, table, 90)
    (folder / 'actions.txt').write_text('press\nturn\npull\nlift\n')
    return folder


def test_splits_that_are_apart(pairs: Path, tmp_path: Path) -> None:
    assert shared(pairs, other_pairs(tmp_path / 'others', 'kettle')) == {}


def test_a_split_has_everything_in_common_with_itself(pairs: Path) -> None:
    found = shared(pairs, pairs)
    assert {kind: count for kind, (count, _) in found.items()} == {
        'images that pairs also has': 3,
        'videos that pairs also has': 3,
        'objects that pairs also has': 2,
    }


def test_a_copy_of_an_image_is_the_same_image(pairs: Path, tmp_path: Path) -> None:
    others = other_pairs(tmp_path / 'others', 'kettle')
    copy = others / 'kettle/images/office.png'
    shutil.copy(pairs / 'espresso/images/kitchen.png', copy)
    table = others / 'kettle/points.csv'
    table.write_text(HEADER + 'press.mp4,office.png,press,3,4\n')
    original = pairs / 'espresso/images/kitchen.png'
    assert shared(pairs, others) == {
        'images that others also has': (1, (f'{original} = {copy}',)),
    }


def test_copies_within_one_split_are_not_shared(pairs: Path, tmp_path: Path) -> None:
    shutil.copy(pairs / 'espresso/images/kitchen.png', pairs / 'drawer/images/kitchen.png')
    assert shared(pairs, other_pairs(tmp_path / 'others', 'kettle')) == {}


def test_objects_of_one_name(pairs: Path, tmp_path: Path) -> None:
    found = shared(pairs, other_pairs(tmp_path / 'others', 'drawer'))
    assert found == {'objects that others also has': (1, ('drawer',))}


def test_a_single_object_has_no_name_to_be_shared(tmp_path: Path) -> None:
    folders = [tmp_path / 'a', tmp_path / 'b']
    for shade, folder in zip((10, 90), folders, strict=True):
        write_object(folder, HEADER + 'press.mp4,office.png,press,3,4\n', shade)
    assert shared(*folders) == {}


def test_other_names_of_actions(pairs: Path, tmp_path: Path) -> None:
    others = other_pairs(tmp_path / 'others', 'kettle')
    (others / 'actions.txt').write_text('press\nturn\npull\n')
    ((kind, (count, examples)),) = shared(pairs, others).items()
    assert kind == 'actions that it and others do not both name, or name in another order'
    assert (count, examples) == (1, ('lift',))
