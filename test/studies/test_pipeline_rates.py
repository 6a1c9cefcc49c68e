# SPDX-License-Identifier: Apache-2.0
"""Rates are measured for each number of processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.pipeline_rates import pipeline_rates


@pytest.mark.slow
def test_a_row_for_each_number_of_processes(tmp_path: Path) -> None:
    table = pipeline_rates(tmp_path, [1, 2], videos=2, seconds=11.0, side=64)

    assert list(table.rows) == ['1', '2']
    one, two = table.rows.values()
    assert all(cell is not None and cell > 0 for cell in one)
    assert (one[1], one[4]) == (1.0, 1.0)
    assert two[2] is None
    assert two[0] / one[0] == pytest.approx(two[1])


def test_one_video_has_no_rate(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='videos is 1; expected at least 2'):
        pipeline_rates(tmp_path, [1], 1, 11.0, 64)
