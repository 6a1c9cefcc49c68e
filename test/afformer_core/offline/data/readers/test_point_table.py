# SPDX-License-Identifier: Apache-2.0
"""Tables of points as people and spreadsheets write them, and mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.readers.folder_pairs import (
    PointRow,
    point_table_text,
    read_point_table,
)

HEADER = 'demonstration,image,action,x,y\n'
ROW = 'a.mp4,a.jpg,press,3,4.5\n'


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / 'points.csv'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_have_the_numbers_of_their_lines(tmp_path: Path) -> None:
    rows = read_point_table(written(tmp_path, HEADER + ROW + '\n' + 'b,"b, c.jpg",turn,0,-1e1'))
    assert rows == (
        PointRow(2, 'a.mp4', 'a.jpg', 'press', 3.0, 4.5),
        PointRow(4, 'b', 'b, c.jpg', 'turn', 0.0, -10.0),
    )


def test_columns_may_have_any_order_and_blanks(tmp_path: Path) -> None:
    (row,) = read_point_table(
        written(tmp_path, 'y, x ,image,action,demonstration\n4.5, 3 ,a.jpg,press , a.mp4\n')
    )
    assert row == PointRow(2, 'a.mp4', 'a.jpg', 'press', 3.0, 4.5)


def test_what_a_spreadsheet_writes(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf' + (HEADER + ROW + ',,,,\n').replace('\n', '\r\n').encode()
    assert len(read_point_table(written(tmp_path, content))) == 1


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', r"line 1 of .*points\.csv: the column 'demonstration' is missing"),
        (ROW, r"line 1 of .*: the column 'a\.mp4' is unknown"),
        (HEADER.replace(',', ';'), 'columns demonstration, image, .* separated by commas'),
        (HEADER.replace('x,y', 'x,x'), "line 1 of .*: the column 'x' appears twice"),
        (HEADER, r'points\.csv has no row'),
        (
            HEADER + ROW + 'a.mp4,a.jpg,press,3\n',
            r'line 3 of .*points\.csv: there are 4 values; expected 5',
        ),
        (HEADER + 'a.mp4,a.jpg,press,3,4,5\n', r'line 2 of .*: there are 6 values; expected 5'),
        (HEADER + ROW + 'a.mp4,,press,3,4\n', r'line 3 of .*: image is empty'),
        (HEADER + 'a.mp4,a.jpg,press,three,4\n', "line 2 of .*: x is 'three'; expected a number"),
        (HEADER + 'a.mp4,a.jpg,press,3,nan\n', 'line 2 of .*: y is nan; expected a finite number'),
        (HEADER + ROW + ROW.replace('3', '3.0'), 'line 3 of .*: it repeats line 2'),
        (HEADER + 'a.mp4,"a.jpg,press,3,4\n', r'line 2 of .*points\.csv: unexpected end'),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_point_table(written(tmp_path, content))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='not text in UTF-8'):
        read_point_table(written(tmp_path, (HEADER + ROW).encode('utf-16')))


def test_a_table_that_is_written_is_read_again(tmp_path: Path) -> None:
    rows = (
        PointRow(2, 'press, left.mp4', 'kit"chen.jpg', 'press', 1234567.126, 0.0),
        PointRow(3, 'turn', 'kitchen.jpg', 'turn', 40.0, 5.5),
    )
    (tmp_path / 'points.csv').write_text(point_table_text(rows))

    first, second = read_point_table(tmp_path / 'points.csv')

    assert (first.demonstration, first.image) == ('press, left.mp4', 'kit"chen.jpg')
    assert (first.x, first.y) == (1234567.13, 0.0)
    assert second == rows[1]
