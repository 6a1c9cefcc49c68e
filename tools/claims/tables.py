# SPDX-License-Identifier: Apache-2.0
"""Cells of Markdown tables, and the numbers in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# With a comma before each three digits, or without.
NUMBER = r'-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?'
_LINK = re.compile(r'\[([^\]]*)\]\([^)]*\)')


@dataclass(frozen=True)
class PrintedNumber:
    """A number as a page prints it.

    Attributes:
        value: the number.
        half: half of its last digit: the largest error of rounding.
    """

    value: float
    half: float

    @classmethod
    def of(cls, text: str) -> PrintedNumber:
        """Read a number, such as `0.937` or `8,853`."""
        decimals = len(text.partition('.')[2])
        return cls(float(text.replace(',', '')), 0.5 * 10.0**-decimals)

    def equals(self, value: float) -> bool:
        """Whether a value is rounded to the number."""
        return abs(value - self.value) <= self.half + 1e-9


def numbers_of(cell: str) -> tuple[float, list[PrintedNumber]]:
    """Read the numbers of a cell: a value, then the bounds of its interval if there is one.

    Returns:
        their scale, 100 for percent, and the numbers.
    """
    scale = 100.0 if '%' in cell else 1.0
    return scale, [PrintedNumber.of(found) for found in re.findall(NUMBER, cell)]


def plain(cell: str) -> str:
    """Return the text of a cell without links and emphasis."""
    return _LINK.sub(r'\1', cell).replace('**', '').replace('`', '').strip()


def cells(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield label of the row, heading of the column, and text of each cell of all tables."""
    header: Sequence[str] = ()
    for line in page.splitlines():
        if not line.startswith('|'):
            header = ()
            continue
        row = line.strip().strip('|').split('|')
        if not header:
            header = [plain(cell) for cell in row]
        elif not set(line) <= set('|-: '):
            for heading, cell in zip(header[1:], row[1:], strict=True):
                yield plain(row[0]), heading, plain(cell)
