# SPDX-License-Identifier: Apache-2.0
"""The files that annotate a folder."""

from __future__ import annotations

from pathlib import Path

from afformer_core.offline.data.annotations import annotating_files


def test_the_tables_of_your_own_pairs_annotate_a_folder(tmp_path: Path) -> None:
    names = (
        'actions.txt',
        'kettle/points.csv',
        'tap/points.csv',
        'tap/images/a.jpg',
        'pairs.json',
    )
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert annotating_files(tmp_path) == [tmp_path / names[n] for n in (1, 2, 4)]
    assert annotating_files(tmp_path / 'pairs.json') == [tmp_path / 'pairs.json']
    assert annotating_files(tmp_path / 'absent.json') == []
