# SPDX-License-Identifier: Apache-2.0
"""The CSV file of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.results import StudyResult, read_results, to_csv

TRAINED = StudyResult(
    'table_4b', '32², video 16² to 32²', 1.63, 2, 1.25, 0.5, 0.875, None, 0.625, 150, 14400,
    '0123456789ab+', 'AMD EPYC, 2 cores', '2026-11-28',
)  # fmt: skip


def test_a_line_for_each_result(tmp_path: Path) -> None:
    text = to_csv([TRAINED])
    path = tmp_path / 'table_4b.csv'
    path.write_text(text, encoding='utf-8')

    assert text == (
        'table,row,paper_kld,seed,kld,sim,auc_j,peak_inside,nearest,test_pairs,pairs_trained,'
        'commit,machine,date\n'
        'table_4b,"32², video 16² to 32²",1.6300,2,1.2500,0.5000,0.8750,,0.6250,150,14400,'
        '0123456789ab+,"AMD EPYC, 2 cores",2026-11-28\n'
    )
    assert read_results(path) == (TRAINED,)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 'table_4b.csv'
    path.write_text('table,row\ntable_4b,whole\n', encoding='utf-8')

    with pytest.raises(ValueError, match=r"has the columns \['table', 'row'\]; expected"):
        read_results(path)


@pytest.mark.parametrize('kld', [float('nan'), float('inf')])
def test_no_kld_is_no_result(kld: float) -> None:
    with pytest.raises(ValueError, match='expected a finite number'):
        StudyResult(**{**vars(TRAINED), 'kld': kld})
