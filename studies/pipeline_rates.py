# SPDX-License-Identifier: Apache-2.0
"""Rates of rendering, decoding and mining by number of processes, and rates of single stages.

Run it on an otherwise idle machine::

    python -m studies.pipeline_rates --processes 1 2
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from afformer_core.hands.open_detector import SIMULATED, open_hand_detector
from afformer_core.maskahand.mining.mining import Mining, MiningSettings
from afformer_core.maskahand.sources import find_sources
from afformer_core.parallel.local_engine import LocalEngine
from afformer_core.parallel.worker_process import let_waiting_threads_sleep
from afformer_core.reports.tables import Table
from afformer_sim.datasets.long_video_writer import LongVideoSettings, write_long_videos
from studies.stage_rates import generated_videos, installed_detectors, stage_rates

_HEADINGS = {
    'rendered': 'rendered frames / s',
    'rendered_gain': 'times one process',
    'decoded': 'decoded frames / s',
    'mined': 'mined frames / s',
    'mined_gain': 'times one process',
}
_SPLIT = 'train'


def pipeline_rates(
    folder: Path, processes: Sequence[int], videos: int, seconds: float, side: int
) -> Table:
    """Measure the rates for each number of processes with one thread each.

    A run is measured from the first result of its last process to its last result. The constant
    time for starting processes is therefore not counted.

    Args:
        folder: empty folder.
        processes: numbers of processes; the first is the reference.
        videos: number of videos for each process, at least 2.
        seconds: length of a video.
        side: longest side of a video in pixels.

    Raises:
        ValueError: there are too few videos.
    """
    if videos < 2:
        raise ValueError(f'videos is {videos}; expected at least 2 for each process')
    one = LongVideoSettings(seed=1, scenes=2, seconds=seconds, longest_side=side)
    frames = round(seconds * one.rate)
    rows: dict[str, dict[str, float]] = {}
    for number in processes:
        made, settings = folder / f'{number}', replace(one, videos=videos * number)
        rendered = [
            (count, time.perf_counter())
            for count in write_long_videos(made, _SPLIT, settings, LocalEngine(number))
        ]
        # The first of these is the number of earlier results.
        row = {'rendered': frames * _rate(rendered[1:], number)}
        row |= _mined(made, number, settings.rate)
        if number == processes[0]:
            row['decoded'] = _decoded(made, settings.rate)
        rows[f'{number}'] = row
    first = next(iter(rows.values()))
    for row in rows.values():
        for name in ('rendered', 'mined'):
            row[f'{name}_gain'] = row[name] / first[name]
    title = f'Rates of processes, videos of {side} pixels'
    return Table.of(title, _HEADINGS, rows)


def _mined(made: Path, processes: int, rate: float) -> dict[str, float]:
    found = find_sources([made / 'videos'])
    settings = MiningSettings(rate=rate)
    mining = Mining(found, partial(open_hand_detector, SIMULATED), made / 'mined', settings)
    counted, done = 0, []
    for frames in mining.detect(LocalEngine(processes)):
        counted += frames
        done.append((counted, time.perf_counter()))
    return {'mined': _rate(done, processes)}


def _decoded(made: Path, rate: float) -> float:
    begin, count = time.perf_counter(), 0
    for source in find_sources([made / 'videos']).sources:
        count += sum(1 for _ in source.frames(rate))
    return count / (time.perf_counter() - begin)


def _rate(done: Sequence[tuple[int, float]], processes: int) -> float:
    """Return the results per second after the first of each process, from the numbers at times."""
    (first, begin), (last, end) = done[processes - 1], done[-1]
    return (last - first) / (end - begin)


def _use_one_thread() -> None:
    """Limit the rendering and computing of this process and its children to one thread each."""
    import torch

    for name in ('LP_NUM_THREADS', 'OMP_NUM_THREADS'):
        os.environ[name] = '1'
    torch.set_num_threads(1)


def main(words: Iterable[str] | None = None) -> int:
    """Measure and print the table, and that of the stages (see `stage_rates`)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('--processes', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--videos', type=int, default=6, help='videos for each process')
    parser.add_argument('--seconds', type=float, default=30.0, help='their length')
    parser.add_argument(
        '--side', type=int, default=256, help='longest side of the videos in pixels'
    )
    arguments = parser.parse_args(None if words is None else list(words))
    let_waiting_threads_sleep()
    _use_one_thread()
    with tempfile.TemporaryDirectory() as name:
        table = pipeline_rates(
            Path(name), arguments.processes, arguments.videos, arguments.seconds, arguments.side
        )
        print(table.to_markdown())
        videos = generated_videos(Path(name))
        print(f'\n{stage_rates(videos, installed_detectors()).to_markdown()}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
