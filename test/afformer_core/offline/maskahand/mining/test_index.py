# SPDX-License-Identifier: Apache-2.0
"""An index on disk is the index that was written, and that of a million clips takes few GB."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from afformer_core.errors import DatasetError
from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.mining.clip_table import ClipTable
from afformer_core.offline.maskahand.mining.index import (
    HandIndex,
    MinedVideo,
    read_head,
    read_index,
)

from ..mined_videos import write_index

IN_CONTACT = Hand((1.0, 2.0, 30.5, 40.0), True, 0.95, (31.5, 20.0))
COUNTS = ('video_count', 'clip_count')
IDLE = Hand((1.0, 2.0, 30.5, 40.0), False, 0.5)


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / 'mined' / 'index.json'
    index = HandIndex({'rate': 4.0}, 0.9, (video_of(tmp_path, 'a', 2),))
    write_index(path, index)

    assert read_index(path) == index
    # Shards of before calibrations were kept have no such column.
    [file] = path.parent.glob('shards/videos-*')
    pq.write_table(pq.read_table(file).drop_columns(['lens']), file)
    assert read_index(path) == index


def test_an_index_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'index.json'
    path.write_text(json.dumps({'format': 'afformer-hand-index', 'version': 1, 'videos': []}))

    with pytest.raises(DatasetError, match='expected an index of hands of version 2'):
        read_index(path)


def test_shards_are_written_once_and_those_of_an_earlier_index_removed(tmp_path: Path) -> None:
    path = tmp_path / 'index.json'
    write_index(path, HandIndex({}, 0.9, (video_of(tmp_path, 'a', 2),)))
    before = {each: each.stat().st_mtime_ns for each in (tmp_path / 'shards').iterdir()}
    assert len(before) == 2

    write_index(path, HandIndex({}, 0.9, (video_of(tmp_path, 'a', 2),)))
    assert {each: each.stat().st_mtime_ns for each in (tmp_path / 'shards').iterdir()} == before
    write_index(path, HandIndex({}, 0.9, (video_of(tmp_path, 'b', 3),)))
    assert len(set((tmp_path / 'shards').iterdir()) - set(before)) == 2
    assert not set((tmp_path / 'shards').iterdir()) & set(before)


def test_a_large_index_has_several_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('afformer_core.offline.maskahand.mining.index._SHARD_FRAMES', 4)
    monkeypatch.setattr('afformer_core.offline.maskahand.mining.index._GROUP_FRAMES', 2)
    videos = tuple(video_of(tmp_path, f'{number}', 1 + number) for number in range(5))
    path = tmp_path / 'index.json'
    write_index(path, HandIndex({}, 0.9, videos))

    head = read_head(path)

    assert [shard['video_count'] for shard in head.shards] == [2, 1, 1, 1]
    assert [sum(shard[key] for shard in head.shards) for key in COUNTS] == [5, 15]
    assert read_index(path).videos == videos
    table = ClipTable.open(path)
    of_clips = [video for video in videos for _ in video.clips]
    assert [table.video(number) for number in range(len(table))] == of_clips


@pytest.mark.parametrize(('kind', 'read'), [('videos', read_index), ('clips', ClipTable.open)])
def test_a_shard_that_is_damaged_is_told(
    tmp_path: Path, kind: str, read: Callable[[Path], Any]
) -> None:
    path = tmp_path / 'index.json'
    write_index(path, HandIndex({}, 0.9, (video_of(tmp_path, 'a', 2),)))
    [shard] = tmp_path.glob(f'shards/{kind}-*')
    shard.write_bytes(shard.read_bytes()[:-20])

    with pytest.raises(DatasetError, match=rf'{shard.name} of the index cannot be read: .*Mine'):
        read(path)


def test_clips_are_selected_by_their_columns(tmp_path: Path) -> None:
    path = tmp_path / 'index.json'
    write_index(path, HandIndex({}, 0.9, (video_of(tmp_path, 'a', 4),)))
    table = ClipTable.open(path)
    assert table.columns['interactions'].tolist() == [1, 2, 2, 2]
    assert table.columns['score'].tolist() == [0.95] * 4
    assert table.columns['stop'].tolist() == [0.25, 0.5, 0.75, 1.0]

    late = table.only(table.columns['start'] > 0.3)

    assert [late.window(number) for number in range(len(late))] == [(2, 3), (3, 4)]


def video_of(folder: Path, name: str, clips: int) -> MinedVideo:
    """A video with overlapping clips, a hand in contact in all frames but the first."""
    times = tuple(number / 4 for number in range(clips + 1))
    hands = dict.fromkeys(range(1, clips + 1), (IN_CONTACT, IDLE))
    windows = tuple((first, first + 1) for first in range(clips))
    facts: dict[str, Any] = {'path': folder / name, 'topic': '', 'size': (64, 48)}
    return MinedVideo(**facts, times=times, hands=hands, clips=windows)


def test_a_contact_point_is_finite() -> None:
    with pytest.raises(ValueError, match='contact point of a hand is'):
        Hand((0.0, 0.0, 1.0, 1.0), True, 1.0, (float('nan'), 0.0))


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
