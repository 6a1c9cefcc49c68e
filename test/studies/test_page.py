# SPDX-License-Identifier: Apache-2.0
"""Tables in the page, and the charts beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from studies import chart
from studies.page import PAGE, RESULTS, table_text, with_tables
from studies.results import StudyResult, read_results, to_csv


@pytest.fixture
def results(result: Callable[..., StudyResult]) -> list[StudyResult]:
    """Two rows of three seeds, and a baseline one."""
    return [
        result('uniform (baseline)', None, None, 3.0),
        *(result('coarse', 1.62, seed, 2.0 + seed / 100) for seed in range(3)),
        *(result('fine', 1.57, seed, 1.0 + seed / 100) for seed in range(3)),
    ]


def test_rows_with_intervals_beside_the_papers(results: list[StudyResult]) -> None:
    lines = table_text(results).splitlines()

    cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines[:5]]
    assert cells[0] == [
        '', "the paper's KLD", 'KLD', 'peak inside', 'nearest element', 'pairs trained',
    ]  # fmt: skip
    assert cells[2:] == [
        ['uniform (baseline)', '-', '3.000', '-', '-', '-'],
        ['coarse', '1.62', '2.010 [1.985, 2.035]', '26 % [24, 28]', '-', '10800'],
        ['fine', '1.57', '1.010 [0.985, 1.035]', '26 % [24, 28]', '-', '10800'],
    ]
    assert lines[6] == (
        'Pairs of rows with an order in the paper: 1; of these, means in the same order: 1. Pairs '
        'whose difference, paired by seed, has an interval without 0: 1; of these, in the same '
        'order: 1. Median half width of these intervals, the least difference of KLD that counts: '
        '0.00.'
    )
    assert lines[8] == (
        '3 seeds, 150 test pairs; AMD EPYC, 2 cores; 2026-11-28; commit `0123456789ab`.'
    )


def test_what_stands_between_the_marks_is_written_anew(
    results: list[StudyResult], tmp_path: Path
) -> None:
    (tmp_path / 'table_4b.csv').write_text(to_csv(results))
    page = 'Before.\n<!-- table_4b -->\nold\n<!-- end of table_4b -->\nAfter.\n'

    written = with_tables(page, tmp_path)

    begin, end = 'Before.\n<!-- table_4b -->\n', '<!-- end of table_4b -->\nAfter.\n'
    assert written == begin + table_text(results) + end
    assert with_tables(written, tmp_path) == written


def test_a_table_without_marks(results: list[StudyResult], tmp_path: Path) -> None:
    (tmp_path / 'table_4b.csv').write_text(to_csv(results))

    with pytest.raises(ValueError, match=r"marks of \[\] and .* has the tables \['table_4b'\]"):
        with_tables('Nothing.\n', tmp_path)


def test_the_page_says_what_the_files_hold() -> None:
    text = PAGE.read_text(encoding='utf-8')

    assert with_tables(text, RESULTS) == text


def test_a_chart_is_the_same_for_the_same_results(
    results: list[StudyResult], tmp_path: Path
) -> None:
    paths = tmp_path / 'one.svg', tmp_path / 'two.svg'
    for path in paths:
        chart.write(results, path)
    drawn = paths[0].read_text(encoding='utf-8')

    assert drawn == paths[1].read_text(encoding='utf-8')
    assert all(f'>{text}<' in drawn for text in ('coarse', 'fine', 'uniform (baseline)'))


@pytest.fixture
def trained(result: Callable[..., StudyResult]) -> StudyResult:
    made = result('32², video 16² to 32²', 1.63, 2, 1.25)
    return replace(made, auc_j=0.875, peak_inside=None, nearest=0.625, commit='0123456789ab+')


def test_a_line_for_each_result(trained: StudyResult, tmp_path: Path) -> None:
    text = to_csv([trained])
    path = tmp_path / 'table_4b.csv'
    path.write_text(text, encoding='utf-8')

    assert text == (
        'table,row,paper_kld,seed,kld,sim,auc_j,peak_inside,nearest,test_pairs,pairs_trained,'
        'commit,machine,date\n'
        'table_4b,"32², video 16² to 32²",1.6300,2,1.2500,0.5000,0.8750,,0.6250,150,10800,'
        '0123456789ab+,"AMD EPYC, 2 cores",2026-11-28\n'
    )
    assert read_results(path) == (trained,)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 'table_4b.csv'
    path.write_text('table,row\ntable_4b,whole\n', encoding='utf-8')

    with pytest.raises(ValueError, match=r"has the columns \['table', 'row'\]; expected"):
        read_results(path)


@pytest.mark.parametrize('kld', [float('nan'), float('inf')])
def test_no_kld_is_no_result(trained: StudyResult, kld: float) -> None:
    with pytest.raises(ValueError, match='expected a finite number'):
        replace(trained, kld=kld)
