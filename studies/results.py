# SPDX-License-Identifier: Apache-2.0
"""The CSV file of a table, with a line for each row and seed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class StudyResult:
    """The measures of one training, or of one baseline that ignores the image.

    Attributes:
        table, row: name of the table and label of the row.
        paper_kld: KLD in the paper's table; None if the table has none.
        seed: seed of the training; None for a baseline.
        kld: Kullback-Leibler divergence, lower is better.
        sim: similarity, 0 to 1.
        auc_j: area under Judd's curve, 0 to 1; None if the heatmap is constant.
        peak_inside: share of best peaks inside the demonstrated element; None without a peak.
        nearest: share of best peaks whose nearest element is the demonstrated one; None without a
            peak.
        test_pairs: number of measured pairs.
        pairs_trained: number of pairs of demonstration and image in its last training, with
            repetitions; None for a baseline.
        commit: commit of the code that trained it, with `+` if files differed.
        machine: machine that trained it.
        date: date of the training, year-month-day.

    Raises:
        ValueError: the KLD is not finite.
    """

    table: str
    row: str
    paper_kld: float | None
    seed: int | None
    kld: float
    sim: float
    auc_j: float | None
    peak_inside: float | None
    nearest: float | None
    test_pairs: int
    pairs_trained: int | None
    commit: str
    machine: str
    date: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.kld):
            raise ValueError(
                f'the KLD of {self.row!r} in {self.table} is {self.kld}; expected a finite number'
            )


COLUMNS = tuple(field.name for field in fields(StudyResult))
_TEXTS = ('table', 'row', 'commit', 'machine', 'date')
_INTEGERS = ('seed', 'test_pairs', 'pairs_trained')


def to_csv(results: Iterable[StudyResult]) -> str:
    """Write a header and a line for each result; None is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    for result in results:
        cells = asdict(result)
        writer.writerow({name: _written(cells[name]) for name in COLUMNS})
    return text.getvalue()


def read_results(path: Path) -> tuple[StudyResult, ...]:
    """Read the text of `to_csv`.

    Raises:
        ValueError: the columns differ, or a cell does not have the type of its column.
    """
    with path.open(encoding='utf-8', newline='') as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(
                f'{path} has the columns {reader.fieldnames}; expected {list(COLUMNS)}. Make it '
                'again with Snakemake'
            )
        return tuple(
            StudyResult(**{name: _read(name, cell) for name, cell in cells.items()})  # type: ignore[arg-type]
            for cells in reader
        )


def row_labels(results: Sequence[StudyResult]) -> tuple[str, ...]:
    """Return each label once, in the order of the table."""
    return tuple(dict.fromkeys(result.row for result in results))


def _read(name: str, cell: str) -> str | int | float | None:
    if name in _TEXTS:
        return cell
    if not cell:
        return None
    return int(cell) if name in _INTEGERS else float(cell)


def _written(value: str | int | float | None) -> str:
    if value is None:
        return ''
    return f'{value:.4f}' if isinstance(value, float) else str(value)
