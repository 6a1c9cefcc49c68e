# SPDX-License-Identifier: Apache-2.0
"""An index of a million clips takes few gigabytes to write, open and sample."""

from __future__ import annotations

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
from afformer_core.offline.maskahand.mining.index import MinedVideo
from afformer_core.offline.parallel.measured_subprocess import peak_megabytes

folder, videos, clips = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
times = tuple(number / 5 for number in range(2 * clips + 30))
windows = tuple((2 * number, 2 * number + 31) for number in range(clips - 1)) + ((98, 129),)

def video(number):
    hand = Hand((number % 100, 20.0, 140.0, 80.0), True, 0.8 + number % 20 / 100, (60.0, 50.0))
    hands = {frame: (hand,) for frame in range(25, 130, 4)}
    path = folder / 'videos' / f'{number:06}.mp4'
    return MinedVideo(
        path=path, topic='', size=(256, 256), times=times, hands=hands, clips=windows,
    )

write_videos(folder / 'index.json', {}, 0.8, map(video, range(videos)), [])
print(peak_megabytes())
"""
READ = """
import sys
from pathlib import Path
import numpy as np
from afformer_core.offline.maskahand.pretraining.pretraining_data import StoredClips
from afformer_core.offline.parallel.measured_subprocess import peak_megabytes

clips = StoredClips(Path(sys.argv[1]) / 'index.json', 8, 0.1)
chosen = np.random.default_rng(1).permutation(len(clips))[:300]
seen = [clips[int(number)] for number in chosen]
assert all(clip.last - clip.first == 31 and clip.interactions for clip in seen)
assert len({clip.video.path for clip in seen}) > 280
print(len(clips), peak_megabytes())
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_clips_take_2_gigabytes(tmp_path: Path) -> None:
    def run(program: str, *arguments: str) -> list[float]:
        command = [sys.executable, '-c', program, str(tmp_path), *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return [float(word) for word in done.stdout.split()]

    [written] = run(WRITE, str(VIDEOS), str(CLIPS))
    clips, read = run(READ)

    assert clips == VIDEOS * CLIPS
    assert written < 2000
    assert read < 2000
