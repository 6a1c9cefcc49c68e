# SPDX-License-Identifier: Apache-2.0
"""Tables of results as Markdown, and named numbers as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from afformer_core.offline.reports.bootstrap import Estimate

Cell = Estimate | float | int | str | None


@dataclass(frozen=True)
class Table:
    """Labelled rows under named columns.

    Attributes:
        title: title of the table.
        columns: names, without the label's.
        rows: cells by label, each as many as there are columns; None if nothing applies.
        notes: sentences below the table.
        names: names of the columns for programs; empty: `columns`.
    """

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, Sequence[Cell]]
    notes: tuple[str, ...] = field(default=())
    names: tuple[str, ...] = field(default=())

    @classmethod
    def of(
        cls,
        title: str,
        headings: Mapping[str, str],
        rows: Mapping[str, Mapping[str, Cell]],
        notes: Sequence[str] = (),
    ) -> Table:
        """Build a table of named numbers, such as the attributes of data classes.

        Args:
            title: title of the table.
            headings: headings of its columns, by the name of their values.
            rows: cells by name, by label; a name that a row lacks is an empty cell.
            notes: sentences below the table.

        Raises:
            ValueError: no row has a cell for a column.
        """
        unknown = [name for name in headings if not any(name in row for row in rows.values())]
        if unknown and rows:
            raise ValueError(f'no row of {title!r} has {", ".join(unknown)}')
        cells = {label: [row.get(name) for name in headings] for label, row in rows.items()}
        return cls(title, tuple(headings.values()), cells, tuple(notes), tuple(headings))

    def to_markdown(self) -> str:
        """Format title, aligned table and notes."""
        lines = [('', *self.columns)]
        lines += [(label, *map(cell_text, cells)) for label, cells in self.rows.items()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        rule = '|'.join(('-' * (widths[0] + 2), *('-' * (w + 1) + ':' for w in widths[1:])))
        body = []
        for label, *cells in lines:
            aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
            body.append(f'| {" | ".join((label.ljust(widths[0]), *aligned))} |')
        notes = [f'- {note}' for note in self.notes]
        parts = [f'### {self.title}', '', body[0], f'|{rule}|', *body[1:]]
        return '\n'.join([*parts, *(['', *notes] if notes else [])])

    def to_json(self) -> dict[str, Any]:
        """Return the cells by label and name of the column; see `to_json`."""
        names = self.names or self.columns
        rows = {
            label: {name: to_json(cell) for name, cell in zip(names, cells, strict=True)}
            for label, cells in self.rows.items()
        }
        return {'title': self.title, 'rows': rows, 'notes': list(self.notes)}


def to_json(numbers: Any) -> Any:
    """Convert numbers to JSON types; a data class becomes an object of its attributes.

    Args:
        numbers: a data class, a mapping by text, a number, text or None, nested to any depth.

    Returns: the same as objects, numbers, strings and null; infinity and NaN, which JSON lacks,
    are strings.

    Raises:
        TypeError: a value has another type.
    """
    if is_dataclass(numbers):
        return {field.name: to_json(getattr(numbers, field.name)) for field in fields(numbers)}
    if isinstance(numbers, Mapping):
        return {name: to_json(value) for name, value in numbers.items()}
    if isinstance(numbers, float) and not math.isfinite(numbers):
        return str(numbers)
    if numbers is None or isinstance(numbers, bool | int | float | str):
        return numbers
    raise TypeError(f'{numbers!r} is of {type(numbers).__name__}; expected named numbers')


def cell_text(cell: Cell) -> str:
    """Format a cell as text."""
    if cell is None:
        return '-'
    if isinstance(cell, float):
        return f'{cell:.3f}' if abs(cell) < 10 else f'{cell:.1f}'
    return str(cell)
