# SPDX-License-Identifier: Apache-2.0
"""The reader of OPRA's own text files, over a tree as its authors' scripts leave it."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.media.video import read_video, write_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.verification import find_problems

POINTS = '10 20 30.5 40 -5 3 70 -0.25 1 2 3 4 5 6 7 8 9 10 300 47'
LINE = f'seattle 1 193 217.5 6.5 MAT_1.jpg 48 64 4 {POINTS}'
EXPECTED = [
    [10, 20], [30.5, 40], [-5, 3], [70, -0.25], [1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [300, 47],
]  # fmt: skip


def write(folder: Path, *lines: str) -> Path:
    path = folder / 'data' / 'annotations' / 'test.txt'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(lines))
    return path


def write_media(root: Path, clip: str, image: str) -> None:
    """A clip of 6 frames and an image of 64 x 48."""
    for path in (root / clip, root / image):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_video(root / clip, np.full((6, 48, 64, 3), 90, np.uint8), rate=6)
    assert cv2.imwrite(str(root / image), np.full((48, 64, 3), 200, np.uint8))


def replaced(field: int, text: str) -> str:
    fields = LINE.split(' ')
    fields[field] = text
    return ' '.join(fields)


def test_reads_a_line_as_it_is(tmp_path: Path) -> None:
    dataset = open_annotations(write(tmp_path, LINE + '\n'))
    assert len(dataset) == 1
    assert dataset.annotations == tmp_path / 'data/annotations/test.txt'
    assert dataset.root == tmp_path / 'data'
    sample = dataset[0]
    assert sample.sample_id == 'test/0'
    assert sample.video_path == tmp_path / 'data/clips/seattle/1/193/217.5_6.5.mp4'
    assert sample.image_path == tmp_path / 'data/images/seattle/1/193/MAT_1.jpg'
    assert sample.image_size == (64, 48)
    assert [dataset.action_names[action] for action in sample.actions] == ['push']
    assert sample.points[0].dtype == np.float64
    assert sample.points[0].tolist() == EXPECTED


def test_the_media_are_there_and_can_be_read(tmp_path: Path) -> None:
    dataset = open_annotations(write(tmp_path, LINE))
    write_media(
        dataset.root, 'clips/seattle/1/193/217.5_6.5.mp4', 'images/seattle/1/193/MAT_1.jpg'
    )
    assert find_problems(dataset) == []
    assert read_video(dataset[0].video_path, 3).shape == (3, 48, 64, 3)


def test_times_are_kept_as_they_are_written(tmp_path: Path) -> None:
    dataset = open_annotations(write(tmp_path, replaced(3, '217.50'), replaced(4, '6')))
    assert [sample.video_path.name for sample in dataset] == ['217.50_6.5.mp4', '217.5_6.mp4']


def test_lines_of_one_clip_and_image_are_one_sample(tmp_path: Path) -> None:
    elsewhere = replaced(5, 'MAT_2.jpg')
    again = LINE.replace(' 4 10 20 ', ' 4 11 21 ')
    dataset = open_annotations(write(tmp_path, LINE, elsewhere, again, replaced(8, '2')))
    assert [sample.sample_id for sample in dataset] == ['test/0', 'test/1']
    assert dataset[0].actions == (3, 3, 1)
    assert [points[0].tolist() for points in dataset[0].points] == [[10, 20], [11, 21], [10, 20]]
    assert dataset[1].actions == (3,)


def test_empty_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    lines = ('', LINE, '  ', replaced(5, 'MAT_2.jpg'), '', replaced(8, '9'))
    path = write(tmp_path, *lines[:5])
    assert len(open_annotations(path)) == 2
    path.write_text('\n'.join(lines))
    with pytest.raises(DatasetError, match=r'line 6 of .*test\.txt: action is 9'):
        open_annotations(path)


def test_agrees_with_the_json_form_of_the_same_annotations(
    test_data: Path, tmp_path: Path
) -> None:
    released = open_annotations(test_data / 'opra' / 'test.json')
    lines = []
    for sample in released:
        *_, channel, playlist, video, clip = sample.video_path.parts
        start, duration = clip.removesuffix('.mp4').split('_')
        width, height = sample.image_size
        for action, points in zip(sample.actions, sample.points, strict=True):
            fields: Sequence[object] = (
                channel, playlist, video, start, duration, sample.image_path.name, height, width,
                action + 1, *points.ravel().tolist(),
            )  # fmt: skip
            lines.append(' '.join(str(field) for field in fields))
    read = open_annotations(write(tmp_path, *lines), root=released.root)
    assert len(read) == len(released)
    for sample, expected in zip(read, released, strict=True):
        assert sample.sample_id == expected.sample_id
        assert sample.video_path == expected.video_path
        assert sample.image_path == expected.image_path
        assert sample.image_size == expected.image_size
        assert sample.actions == expected.actions
        np.testing.assert_array_equal(sample.points, expected.points)


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        (LINE + ' 7', 'the number of fields is 30; expected 29'),
        (LINE.removesuffix(' 47'), 'the number of fields is 28; expected 29'),
        ('{"image_path": "0.jpg"}', 'the number of fields is 2; expected 29'),
        (replaced(3, 'soon'), "a number is 'soon'; expected a finite one"),
        (replaced(4, 'nan'), "a number is 'nan'; expected a finite one"),
        (replaced(6, 'high'), "a number is 'high'; expected a finite one"),
        (replaced(7, '0'), 'the image is 0x48; expected sides of at least 1'),
        (replaced(8, '0'), 'action is 0; expected 1 to 7'),
        (replaced(8, '8'), 'action is 8; expected 1 to 7'),
        (replaced(8, '-1'), 'action is -1; expected 1 to 7'),
        (replaced(8, 'push'), 'action is push; expected 1 to 7'),
        (replaced(9, 'NaN'), "a number is 'NaN'; expected a finite one"),
        (replaced(28, 'inf'), "a number is 'inf'; expected a finite one"),
        (replaced(28, '4,7'), "a number is '4,7'; expected a finite one"),
        (replaced(6, '96'), 'its image is 64x96; expected 64x48 as in an earlier line'),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DatasetError, match=rf'line 2 of .*test\.txt: {message}'):
        open_annotations(write(tmp_path, LINE, line))


@pytest.mark.parametrize('content', ['', '\n \n'])
def test_a_file_without_a_sample_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DatasetError, match=r'test\.txt contains 0 samples'):
        open_annotations(write(tmp_path, content))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(DatasetError, match='is not text'):
        open_annotations(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'absent\.txt does not exist; expected'):
        open_annotations(tmp_path / 'absent.txt')
