# SPDX-License-Identifier: Apache-2.0
"""Conversion to manifests."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.annotations import open_annotations

from .conftest import part_pairs


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


def test_a_manifest_gives_the_samples_that_it_was_made_of(
    annotations: Path, tmp_path: Path
) -> None:
    output = tmp_path / 'elsewhere' / 'all.jsonl'
    before = open_annotations(annotations)

    assert main(['convert', str(annotations), str(output)]) == 0

    after = open_annotations(output)
    assert after.action_names == before.action_names
    assert contents(after) == contents(before)


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


@pytest.mark.parametrize(
    ('output', 'expected'),
    [
        ('taken', 'exists. Remove it'),
        ('all.csv', 'not have the suffix of a manifest; expected .jsonl'),
    ],
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


def test_a_name_that_is_not_unicode_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = part_pairs(tmp_path / os.fsdecode(b'K\xfcche'))

    assert main(['convert', str(folder), str(tmp_path / 'all.jsonl')]) == 1

    assert "a.mp4' is not a path in UTF-8" in capsys.readouterr().err
    assert not (tmp_path / 'all.jsonl').exists()
