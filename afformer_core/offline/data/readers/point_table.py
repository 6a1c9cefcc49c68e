# SPDX-License-Identifier: Apache-2.0
"""Tables of annotated points, `points.csv`, written by people and tools."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_text

POINTS_FILE = 'points.csv'

_COLUMNS = ('demonstration', 'image', 'action', 'x', 'y')
_BYTE_ORDER_MARK = '\ufeff'


@dataclass(frozen=True)
class PointRow:
    """One row: a point in an image that an action touches in a demonstration.

    Attributes:
        line: number of the row's line in its file, from 1.
        demonstration: name of a video or of a folder of frames; not empty.
        image: name of a file; not empty.
        action: name of the action; not empty.
        x: column in pixels of the image, finite.
        y: row in pixels of the image, finite.

    Raises:
        ValueError: a name is empty, or a number is not finite.
    """

    line: int
    demonstration: str
    image: str
    action: str
    x: float
    y: float

    def __post_init__(self) -> None:
        for name in ('demonstration', 'image', 'action'):
            if not getattr(self, name):
                raise ValueError(f'{name} is empty; expected a name')
        for name in ('x', 'y'):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f'{name} is {getattr(self, name)}; expected a finite number')


def read_point_table(path: Path) -> tuple[PointRow, ...]:
    """Read the rows of a table; values are stripped of spaces, and empty lines are skipped.

    Args:
        path: file in UTF-8 with values separated by commas, whose first line has the columns
            demonstration, image, action, x and y, in any order.

    Raises:
        DatasetError: the file is missing or not text, lacks a column, or has an unknown column or
            no row; a row has too many or too few values, an empty value, a number that is not
            finite, or is repeated; each error has the line.
    """
    lines = _fields(path, read_text(path).removeprefix(_BYTE_ORDER_MARK))
    first, header = next(lines, (1, []))
    with naming(f'line {first} of {path}'):
        _require_columns(header)
    rows: dict[tuple[str | float, ...], PointRow] = {}
    for line, fields in lines:
        with naming(f'line {line} of {path}'):
            row = _row(line, header, fields)
            key = row.demonstration, row.image, row.action, row.x, row.y
            if key in rows:
                raise ValueError(f'it repeats line {rows[key].line}. Keep one of them')
            rows[key] = row
    if not rows:
        raise DatasetError(f'{path} has no row below its header. Add one for each point')
    return tuple(rows.values())


def point_table_text(rows: Iterable[PointRow]) -> str:
    """Write the text of a table that `read_point_table` reads; numbers to a hundredth of a pixel.

    Line numbers of rows are not used; rows are written in the given order.
    """
    text = io.StringIO(newline='')
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(_COLUMNS)
    for row in rows:
        point = (f'{round(row.x, 2):.12g}', f'{round(row.y, 2):.12g}')
        writer.writerow((row.demonstration, row.image, row.action, *point))
    return text.getvalue()


def _fields(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the values of each line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=''), strict=True)
    try:
        for fields in reader:
            stripped = [field.strip() for field in fields]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise DatasetError(f'line {reader.line_num} of {path}: {error}') from error


def _require_columns(header: list[str]) -> None:
    expected = f'expected the columns {", ".join(_COLUMNS)}, separated by commas'
    for name in header:
        if name not in _COLUMNS:
            raise ValueError(f'the column {name!r} is unknown; {expected}')
        if header.count(name) > 1:
            raise ValueError(f'the column {name!r} appears twice; {expected}')
    for name in _COLUMNS:
        if name not in header:
            raise ValueError(f'the column {name!r} is missing; {expected}')


def _row(line: int, header: list[str], fields: list[str]) -> PointRow:
    if len(fields) != len(header):
        raise ValueError(
            f'there are {len(fields)} values; expected {len(header)} as in the header'
        )
    values: dict[str, Any] = dict(zip(header, fields, strict=True))
    for name in ('x', 'y'):
        try:
            values[name] = float(values[name])
        except ValueError as error:
            raise ValueError(f'{name} is {values[name]!r}; expected a number') from error
    return PointRow(line, **values)
