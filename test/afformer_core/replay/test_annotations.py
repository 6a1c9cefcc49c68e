# SPDX-License-Identifier: Apache-2.0
"""Files of annotations: by stamp, or one for all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.replay.annotations import ImageAnnotation, read_annotations


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / 'annotations.json'


def write(file: Path, *entries: dict[str, Any]) -> Path:
    file.write_text(json.dumps({'images': entries}))
    return file


def test_an_entry_belongs_to_its_stamp_and_one_without_to_all_others(file: Path) -> None:
    annotations = read_annotations(
        write(file, {'stamp': 5, 'points': [[1, 2]]}, {'position': [0, 0, 1]})
    )
    assert len(annotations) == 2
    np.testing.assert_array_equal(annotations.of(5).points, [[1, 2]])
    np.testing.assert_array_equal(annotations.of(6).position, [0, 0, 1])
    assert annotations.of(6).points.shape == (0, 2)


def test_an_image_may_have_none(file: Path) -> None:
    assert read_annotations(write(file, {'stamp': 5, 'points': [[1, 2]]})).of(6) is None


def test_what_is_written_is_read(file: Path) -> None:
    fields = {
        'stamp': 1700000003400320898,
        'points': [[1.25, 2.5]],
        'outline': [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]],
        'position': [0.1, 0.2, 0.7],
        'normal': [0.0, 0.6, -0.8],
    }
    assert ImageAnnotation.from_json(fields).to_json() == fields


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        ({'stamp': 1}, 'needs points or a position'),
        ({'points': [[1, 2, 3]]}, 'has a malformed value'),
        ({'points': [[1, 2]], 'outline': [[0, 0], [1, 1]]}, 'K >= 3'),
        ({'position': [1, 2]}, r'position is \[2\]; expected \[3\]'),
        ({'stamp': 'now', 'points': [[1, 2]]}, 'has a malformed value'),
    ],
)
def test_entries_of_another_form_are_refused(
    file: Path, entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_annotations(write(file, entry))


@pytest.mark.parametrize('content', ['', '[]', '{"images": 3}', '{"images": [4]}'])
def test_files_of_another_form_are_refused(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(DatasetError, match=r'annotations\.json (has no list|cannot be read)'):
        read_annotations(file)


def test_two_entries_of_one_stamp_are_refused(file: Path) -> None:
    with pytest.raises(DatasetError, match='two annotations have the stamp 5'):
        read_annotations(write(file, *2 * [{'stamp': 5, 'points': [[1, 2]]}]))
