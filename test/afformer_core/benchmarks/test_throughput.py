# SPDX-License-Identifier: Apache-2.0
"""Measurements of `afformer bench --train`."""

from pathlib import Path

import pytest

from afformer_core.benchmarks import reading_speed, throughput
from afformer_core.benchmarks.reading_speed import reading_table
from afformer_core.benchmarks.throughput import Throughput, Workload, throughput_table
from afformer_core.data import clip_reader
from afformer_core.media.video import VideoReader
from afformer_core.parallel.measured_subprocess import MeasurementError


@pytest.mark.slow
def test_both_structures_train_on_the_same() -> None:
    table = throughput_table(Workload(pairs=2, frames=2, side=64, threads=1))
    rows = table.to_json()['rows']
    released, ours = rows["the released code's structure"], rows['afformer']

    assert released['loss'] == pytest.approx(ours['loss'], rel=1e-4)
    assert released['times_faster'] == released['share_of_memory'] == 1.0


def test_speed_and_memory_are_told_beside_those_of_the_released_structure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = {
        'released': Throughput('released', 4.0, 900.0, 7.5),
        'afformer': Throughput('afformer', 0.5, 300.0, 7.5),
    }
    monkeypatch.setattr(
        throughput, 'measure_in_process', lambda implementation, _: measured[implementation]
    )

    rows = throughput_table(Workload(pairs=2, frames=3, side=64, threads=1)).rows

    assert rows["the released code's structure"] == [0.5, 1.0, 900.0, 1.0, 7.5]
    assert rows['afformer'] == [4.0, 8.0, 300.0, pytest.approx(1 / 3), 7.5]


def test_a_structure_that_has_no_room_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(implementation: str, workload: Workload) -> Throughput:
        if implementation == 'released':
            raise MeasurementError(implementation, 'CUDA out of memory')
        return Throughput(implementation, 0.5, 300.0, 7.5)

    monkeypatch.setattr(throughput, 'measure_in_process', measure)

    rows = throughput_table(Workload(pairs=2, frames=3, side=64, threads=1)).rows

    assert rows["the released code's structure"] == [
        'cannot: CUDA out of memory', None, None, None, None
    ]  # fmt: skip
    assert rows['afformer'] == [4.0, None, 300.0, None, 7.5]


def test_clips_are_decoded_once_and_then_come_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that stands still but for eight seconds of decoding and 30 of reading again."""
    clock = iter([100.0, 108.0, 200.0, 230.0])
    monkeypatch.setattr(reading_speed.time, 'perf_counter', lambda: next(clock))
    opened: list[Path] = []

    def watched(path: Path, part: object) -> VideoReader:
        opened.append(path)
        return VideoReader(path, part)

    monkeypatch.setattr(clip_reader, 'VideoReader', watched)
    monkeypatch.setattr(reading_speed, '_SECONDS', 1)

    table = reading_table(tmp_path, frames=4, side=64)

    assert len(list((tmp_path / 'cache').iterdir())) == 1
    assert opened == [tmp_path / 'clip.mp4']
    # One clip in 8 seconds, and 20 in 30.
    assert list(table.rows.values()) == [[0.125], [pytest.approx(2 / 3)]]


def test_a_workload_of_nothing() -> None:
    with pytest.raises(ValueError, match='frames=0'):
        Workload(8, 0, 256, 2)
