# SPDX-License-Identifier: Apache-2.0
"""What `afformer bench --train` measures."""

from pathlib import Path

import pytest

from afformer_core.training.reading_speed import reading_table
from afformer_core.training.throughput import Workload, throughput_table


@pytest.mark.slow
def test_both_structures_train_on_the_same() -> None:
    table = throughput_table(Workload(pairs=2, frames=2, side=64, threads=1))
    released, ours = table.rows["the released code's structure"], table.rows['afformer']

    assert released[-1] == pytest.approx(ours[-1], rel=1e-4)
    assert released[1] == released[3] == 1.0
    assert min(*released[:4], *ours[:4]) > 0


def test_clips_come_from_the_cache(tmp_path: Path) -> None:
    table = reading_table(tmp_path, frames=4, side=64)

    assert len(list((tmp_path / 'cache').iterdir())) == 1
    assert all(rate > 0 for (rate,) in table.rows.values())


def test_a_workload_of_nothing() -> None:
    with pytest.raises(ValueError, match='frames=0'):
        Workload(8, 0, 256, 2)
