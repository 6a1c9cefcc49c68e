# SPDX-License-Identifier: Apache-2.0
"""Indexes of a million clips and of ten take few gigabytes to write, open, filter and sample."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

VIDEOS, CLIPS = 20_000, 50

WRITE = """
import sys
from pathlib import Path
from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.mining.index import write_videos
from afformer_core.offline.maskahand.mining.mined_video import MinedVideo
from afformer_core.offline.parallel.measured_subprocess import peak_megabytes

folder, videos, clips = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
named = sys.argv[4] == 'named'
times = tuple(number / 5 for number in range(2 * clips + 30))
windows = tuple((2 * number, 2 * number + 31) for number in range(clips - 1)) + ((98, 129),)

def video(number):
    hand = Hand((number % 100, 20.0, 140.0, 80.0), True, 0.8 + number % 20 / 100, (60.0, 50.0))
    hands = {frame: (hand,) for frame in range(25, 130, 4)}
    path = folder / 'videos' / f'{number:06}.mp4'
    return MinedVideo(
        path=path, topic='', size=(256, 256), times=times, hands=hands, clips=windows,
        content=f'{number:032x}' if named else '',
    )

write_videos(folder / 'index.json', {}, 0.8, map(video, range(videos)), [])
print(peak_megabytes())
"""
READ = """
import sys
from pathlib import Path
import numpy as np
from afformer_core.offline.maskahand.mining.clip_table import ClipTable
from afformer_core.offline.maskahand.pretraining.stored_clips import StoredClips
from afformer_core.offline.parallel.measured_subprocess import peak_megabytes

table = ClipTable.open([Path(sys.argv[1]) / 'index.json'])
sure = table.only(table.columns['score'] > 0.945)
clips = StoredClips(sure, 8, 0.1)
chosen = np.random.default_rng(1).permutation(len(clips))[:300]
seen = [clips[int(number)] for number in chosen]
assert all(clip.last - clip.first == 31 and clip.interactions for clip in seen)
assert len({clip.video.path for clip in seen}) > 280
print(len(table), len(clips), peak_megabytes())
"""
DRAW = """
import sys
from pathlib import Path
from afformer_core.offline.maskahand.pretraining.stored_clips import stored_clips
from afformer_core.offline.parallel.measured_subprocess import peak_megabytes
from afformer_core.offline.training.datasets.samplers import StreamedSampler

clips = stored_clips(Path(sys.argv[1]) / 'index.json', 8, 0.1)
sampler = StreamedSampler(len(clips), 12, 7)
steps = [*range(300), *range(500_000, 500_300)]
drawn = [draw.indices[0] for step in steps for draw in sampler.batch(step)]
paths = {(str(clips[number].video.path), number) for number in drawn[:600]}
print(len(clips), len(set(drawn)), len({number // 256 for number in drawn[:3600]}), len(paths),
      peak_megabytes())
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_million_clips_are_drawn_from_some_positions_at_a_time(tmp_path: Path) -> None:
    """The same shard under many names, of videos whose contents are unknown."""
    run(WRITE, str(tmp_path), '240', str(CLIPS), 'unnamed')
    index = tmp_path / 'index.json'
    head = json.loads(index.read_text())
    [shard] = head['shards']
    head['shards'] = []
    for number in range(834):
        copy = {kind: f'shards/{kind}-{number}.parquet' for kind in ('videos', 'clips')}
        for kind, name in copy.items():
            (tmp_path / name).hardlink_to(tmp_path / shard[kind])
        head['shards'].append({**shard, **copy})
    index.write_text(json.dumps(head))

    clips, drawn, runs, read, peak = run(DRAW, str(tmp_path))

    assert clips == 834 * 240 * CLIPS
    assert drawn == 600 * 12
    assert runs <= 2 * 64
    assert read == 600
    assert peak < 4000


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_clips_take_2_gigabytes(tmp_path: Path) -> None:
    written = run(WRITE, str(tmp_path), str(VIDEOS), str(CLIPS), 'named')
    table, clips, read = run(READ, str(tmp_path))

    assert (table, clips) == (VIDEOS * CLIPS, VIDEOS * CLIPS // 4)
    assert written[0] < 2000
    assert read < 2000


def run(program: str, *arguments: str) -> list[float]:
    command = [sys.executable, '-c', program, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [float(word) for word in done.stdout.split()]
