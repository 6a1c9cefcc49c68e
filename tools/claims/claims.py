# SPDX-License-Identifier: Apache-2.0
"""Claims of the pages, and their comparison with stored and with recomputed results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tools.claims.tables import NUMBER, PrintedNumber, cells, numbers_of, plain

CLAIMS_FILE = Path(__file__).with_name('claims.json')
RESULTS = Path(__file__).with_name('results')
REST = '1 - '


@dataclass(frozen=True)
class PageClaim:
    """A cell of a table in a page, and the number that it states.

    Attributes:
        page: path of the page.
        row: label of the row, without links and emphasis.
        column: heading of the column.
        result: name of the result that the number comes from.
        number: path of the number in it, parts separated by ` > `.
    """

    page: str
    row: str
    column: str
    result: str
    number: str

    def __str__(self) -> str:
        return f'{self.page}: {self.row!r}, {self.column!r}'

    def cell(self, root: Path) -> str:
        """Read the cell.

        Raises:
            ValueError: no table, or more than one, has such a cell.
        """
        page, where = (root / self.page).read_text('utf-8'), (self.row, self.column)
        found = [text for row, column, text in cells(page) if (row, column) == where]
        if len(found) != 1:
            raise ValueError(f'{self} is in {len(found)} tables; expected 1')
        return found[0]


@dataclass(frozen=True)
class TextClaim:
    """A number in the text of a page.

    Attributes:
        page: path of the page.
        text: words of the page, with `{}` in place of each number and its interval.
        position: which of these numbers it is, from 0.
        result, number: see `PageClaim`.
    """

    page: str
    text: str
    position: int
    result: str
    number: str

    def __str__(self) -> str:
        return f'{self.page}: number {self.position + 1} of {self.text!r}'

    def cell(self, root: Path) -> str:
        """Read the number, with its interval.

        Raises:
            ValueError: the page does not have the words once.
        """
        page = ' '.join(plain((root / self.page).read_text('utf-8')).split())
        words = re.escape(self.text).replace(re.escape('{}'), _PRINTED)
        found = list(re.finditer(words, page))
        if len(found) != 1:
            raise ValueError(f'{self.page} has {self.text!r} {len(found)} times; expected once')
        return str(found[0][self.position + 1])


# A number with its unit, if that is percent, and its interval.
_PRINTED = rf'({NUMBER}(?: %)?(?: \[[^\]]*\])?)'

Claim: TypeAlias = PageClaim | TextClaim


@dataclass(frozen=True)
class ResultRecipe:
    """How a result is computed.

    Attributes:
        command: words of the command; `{data}` and `{output}` are replaced.
        data: environment variable with the folder of the data; if the command needs none, with
            anything.
    """

    command: tuple[str, ...]
    data: str

    @property
    def reads_data(self) -> bool:
        """Whether the command needs the folder."""
        return any('{data}' in word for word in self.command)


def read_claims(file: Path = CLAIMS_FILE) -> tuple[list[Claim], dict[str, ResultRecipe]]:
    """Read the claims, and the recipes of results by name."""
    content = json.loads(file.read_text('utf-8'))
    claims: list[Claim] = [
        PageClaim(page, row, column, result, number)
        for page, rows in content['claims'].items()
        for row, column, result, number in rows
    ]
    claims += [
        TextClaim(page, text, position, result, number)
        for page, texts in content['texts'].items()
        for text, result, *numbers in texts
        for position, number in enumerate(numbers)
    ]
    recipes = {
        name: ResultRecipe(tuple(recipe['command']), recipe['data'])
        for name, recipe in content['results'].items()
    }
    return claims, recipes


def stored_results(folder: Path = RESULTS) -> dict[str, Mapping[str, Any]]:
    """Read the stored results by name."""
    return {
        path.stem: json.loads(path.read_text('utf-8')) for path in sorted(folder.glob('*.json'))
    }


def claimed_part(result: Mapping[str, Any], numbers: Iterable[str]) -> dict[str, Any]:
    """Reduce a result to some numbers and to where they come from, without paths of files.

    Args:
        result: the whole result.
        numbers: paths of the numbers, see `look_up`.
    """
    whole = result['provenance']
    described = ('commit', 'machine', 'date', 'seed')
    provenance = {name: whole[name] for name in described if name in whole}
    hashes = {f'{Path(path).parent.name}/{Path(path).name}': value
              for path, value in whole.get('data', {}).items()}  # fmt: skip
    kept: dict[str, Any] = {'provenance': {**provenance, 'data': hashes}}
    for number in sorted(set(numbers)):
        *folders, last = number.removeprefix(REST).split(' > ')
        here, there = kept, result
        for folder in folders:
            here, there = here.setdefault(folder, {}), _part(there, folder)
        here[last] = there[last]
    return kept


def look_up(result: Mapping[str, Any], number: str) -> tuple[float, ...]:
    """Find a number in a result: value, and low and high if it has an interval.

    Args:
        result: the result.
        number: parts of its path, separated by ` > `; after `1 - `, that of the share of the rest.
    """
    value: Any = result
    for name in number.removeprefix(REST).split(' > '):
        value = _part(value, name)
    interval = isinstance(value, Mapping)
    found = [float(value[name]) for name in ('value', 'low', 'high')] if interval else [value]
    if number.startswith(REST):
        found = [1 - found[0], *(1 - bound for bound in found[:0:-1])]
    return tuple(map(float, found))


def _part(value: Any, name: str) -> Any:
    """Return a named part of a result; tables of a list are named by their titles."""
    if isinstance(value, list):
        return next(table for table in value if table['title'] == name)
    return value[name]


def differences_from_stored(
    root: Path, claims: Sequence[Claim], results: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a sentence for each claim that is not the rounded stored number."""
    for claim in claims:
        cell = claim.cell(root)
        if claim.result not in results:
            yield f'{claim} is {cell!r}; no result {claim.result} is stored'
            continue
        scale, printed = numbers_of(cell)
        stored = [scale * value for value in look_up(results[claim.result], claim.number)]
        if not _states(printed, stored):
            told = ', '.join(f'{value:.4g}' for value in stored)
            yield f'{claim} is {cell!r}; {claim.result} has {told}'


def _states(printed: Sequence[PrintedNumber], stored: Sequence[float]) -> bool:
    """Check whether a cell states a value, with its interval or alone."""
    if len(printed) not in (1, len(stored)):
        return False
    return all(p.equals(s) for p, s in zip(printed, stored, strict=False))


def differences_from_recomputed(
    root: Path, claims: Sequence[Claim], name: str, result: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a sentence for each claim whose interval does not contain the recomputed value."""
    for claim in claims:
        if claim.result != name:
            continue
        cell = claim.cell(root)
        scale, printed = numbers_of(cell)
        found = look_up(result, claim.number)
        # Counts, of which pages state no interval, differ from run to run.
        if len(found) == 1 and found[0].is_integer():
            continue
        value = scale * found[0]
        low, high = (printed[0], printed[0]) if len(printed) < 3 else printed[1:3]
        if not low.value - low.half <= value <= high.value + high.half:
            yield f'{claim} is {cell!r}; recomputed: {value:.4g}'
