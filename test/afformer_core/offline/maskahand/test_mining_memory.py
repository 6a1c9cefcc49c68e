# SPDX-License-Identifier: Apache-2.0
"""A video of two hours takes the memory that one of ten minutes takes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import pytest

from afformer_core.media.video import write_video
from afformer_core.offline.maskahand.mining.index import read_index

RATE, MINUTE = 2, 60


def loop_video(source: Path, target: Path, times: int) -> Path:
    """A video over and over again, its packets copied as they are."""
    with av.open(str(target), 'w') as written:
        stream = None
        for number in range(times):
            with av.open(str(source)) as read:
                video = read.streams.video[0]
                stream = stream or written.add_stream_from_template(video)
                assert video.duration is not None
                for packet in read.demux(video):
                    if packet.dts is not None and packet.pts is not None:
                        packet.pts += number * video.duration
                        packet.dts += number * video.duration
                        packet.stream = stream
                        written.mux(packet)
    return target


def mined_megabytes(red: ModuleType, folder: Path, output: Path) -> float:
    """The most memory that a process takes that mines a folder at one frame per second."""
    program = f"""
        import re, sys
        from pathlib import Path
        from afformer_core.offline.maskahand.mining.mining import Mining, MiningSettings
        from afformer_core.offline.maskahand.sources import find_sources
        sys.path.append({str(Path(red.__file__ or '').parent)!r})
        from red_hands import RedHands
        found = find_sources([Path({str(folder)!r})])
        mining = Mining(found, RedHands, Path({str(output)!r}), MiningSettings(rate=1.0))
        list(mining.detect())
        mining.write_index()
        # unlike that of getrusage, this peak is not inherited from who started the process
        peak = re.search(r'VmHWM:\\s*(\\d+) kB', Path('/proc/self/status').read_text())
        print(int(peak[1]) / 1024)
        """
    run = [sys.executable, '-c', textwrap.dedent(program)]
    return float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_hours_of_1080p_take_the_memory_of_ten_minutes(
    red: ModuleType, tmp_path: Path
) -> None:
    minute = tmp_path / 'minute.mp4'
    frames = (
        cv2.resize(frame, (1920, 1080), interpolation=cv2.INTER_NEAREST)
        for frame in red.film(MINUTE, RATE, [(20, 25)])
    )
    write_video(minute, frames, RATE)
    used = []
    for name, minutes in (('short', 10), ('long', 120)):
        (tmp_path / name).mkdir()
        loop_video(minute, tmp_path / name / 'video.mp4', minutes)
        used.append(mined_megabytes(red, tmp_path / name, tmp_path / f'{name}_mined'))
    [video] = read_index(tmp_path / 'long_mined' / 'index.json').videos
    assert len(video.times) == 7200
    assert np.count_nonzero([hands[0].contact for hands in video.hands.values()]) == 600
    assert used[1] < used[0] + 30, f'{used} megabytes'
