# SPDX-License-Identifier: Apache-2.0
"""The tables of `docs/research/studies.md`, written from the CSV files.

From the root of the project, after a table is computed::

    python -m studies.page
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from afformer_core.files.atomic import write_aside
from afformer_core.offline.reports.tables import Cell, Table
from studies.intervals import SeedMean, order_beside_the_paper, seed_means
from studies.results import StudyResult, read_results, row_labels

ROOT = Path(__file__).resolve().parent.parent
PAGE, RESULTS = ROOT / 'docs' / 'research' / 'studies.md', ROOT / 'studies' / 'results'
_MARKED = re.compile(r'(<!-- (\w+) -->\n).*?(<!-- end of \2 -->)', re.DOTALL)


def with_tables(page: str, results: Path) -> str:
    """Replace each table between its marks in the page.

    Args:
        page: Markdown; `<!-- table_4b -->` and `<!-- end of table_4b -->` mark a table.
        results: folder of the CSV files.

    Raises:
        ValueError: a CSV file has no marks in the page, or marks have no CSV file.
    """
    marked = {found[2] for found in _MARKED.finditer(page)}
    computed = {path.stem for path in results.glob('*.csv')}
    if marked != computed:
        raise ValueError(
            f'the page has marks of {sorted(marked)} and {results} has the tables '
            f'{sorted(computed)}; expected the same. Add the marks, or compute the tables'
        )
    return _MARKED.sub(
        lambda found: found[1] + table_text(read_results(results / f'{found[2]}.csv')) + found[3],
        page,
    )


def table_text(results: Sequence[StudyResult]) -> str:
    """Write the rows of a table as Markdown, with their order and provenance."""
    shares = ('peak_inside', 'nearest')
    measures = {name: seed_means(results, name) for name in ('kld', *shares)}
    rows: dict[str, Sequence[Cell]] = {}
    for label in row_labels(results):
        first = next(result for result in results if result.row == label)
        rows[label] = (
            None if first.paper_kld is None else f'{first.paper_kld:.2f}',
            _interval(measures['kld'][label]),
            *(_interval(measures[name][label], percent=True) for name in shares),
            first.pairs_trained,
        )
    columns = ("the paper's KLD", 'KLD', 'peak inside', 'nearest element', 'pairs trained')
    markdown = Table('', columns, rows).to_markdown().split('\n', 2)[2]
    return f'{markdown}\n\n{_order(results)}\n\n{_made_by(results)}\n'


def _order(results: Sequence[StudyResult]) -> str:
    count = order_beside_the_paper(results)
    decided = count.pairs - count.undecided
    return (
        f'Pairs of rows with an order in the paper: {count.pairs}; of these, means in the same '
        f'order: {count.same_by_mean}. Pairs whose difference, paired by seed, has an interval '
        f'without 0: {decided}; of these, in the same order: {count.same}. Median half width of '
        f'these intervals, the least difference of KLD that counts: {count.least_difference:.2f}.'
    )


def _made_by(results: Sequence[StudyResult]) -> str:
    trained = [result for result in results if result.seed is not None]
    counts = Counter(result.row for result in trained).values()
    seeds = f'{min(counts)} to {max(counts)}' if min(counts) < max(counts) else str(max(counts))
    commits = ', '.join(f'`{commit}`' for commit in sorted({result.commit for result in trained}))
    machines = '; '.join(sorted({result.machine for result in trained}))
    dates = sorted({result.date for result in trained})
    when = dates[0] if len(dates) == 1 else f'{dates[0]} to {dates[-1]}'
    return (
        f'{seeds} seeds, {trained[0].test_pairs} test pairs; {machines}; {when}; commit {commits}.'
    )


def _interval(mean: SeedMean | None, *, percent: bool = False) -> str | None:
    if mean is None:
        return None
    scale, digits, unit = (100, 0, ' %') if percent else (1, 3, '')
    value, low, high = (
        f'{scale * number:.{digits}f}' for number in (mean.value, mean.low, mean.high)
    )
    return f'{value}{unit}' if mean.low == mean.high else f'{value}{unit} [{low}, {high}]'


def main() -> None:
    """Write the page."""
    text = with_tables(PAGE.read_text(encoding='utf-8'), RESULTS)
    write_aside(PAGE, text.encode())


if __name__ == '__main__':
    main()
