# SPDX-License-Identifier: Apache-2.0
"""The search of folders for videos, and files that it passes over."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from afformer_core.demonstrations.state import StoreEntry, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DatasetError, VideoError
from afformer_core.offline.maskahand.sources import find_sources, open_source
from afformer_core.offline.maskahand.sources.bag_topic import BagTopic
from afformer_core.offline.maskahand.sources.numbered_frames import NumberedFrames
from afformer_core.offline.maskahand.sources.video_file import VideoFile
from afformer_core.runtime.demonstration import EncodedFrames, FrameFeatures


def make_empty(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_images(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        PIL.Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / name)
    return folder


def test_folders_are_searched_in_order_and_other_files_passed_over(tmp_path: Path) -> None:
    make_empty(
        *(tmp_path / name for name in ('b/2.mp4', 'b/1.MOV', 'a.mkv', 'notes.txt', 'b/x.json'))
    )
    make_empty(tmp_path / '.making' / 'c.mp4', tmp_path / 'b' / '.d.mp4')
    found = find_sources([tmp_path])
    expected = [tmp_path / 'a.mkv', tmp_path / 'b' / '1.MOV', tmp_path / 'b' / '2.mp4']
    assert found.sources == tuple(map(VideoFile, expected))
    assert found.broken == ()


def test_links_are_followed_once_and_what_is_named_twice_is_taken_once(tmp_path: Path) -> None:
    make_empty(tmp_path / 'videos' / 'a.mp4', tmp_path / 'elsewhere' / 'b.mp4')
    (tmp_path / 'videos' / 'other').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'elsewhere' / 'loop').symlink_to(tmp_path / 'videos')
    (tmp_path / 'videos' / 'same.mp4').symlink_to(tmp_path / 'videos' / 'a.mp4')
    found = find_sources([tmp_path / 'videos', tmp_path / 'videos' / 'a.mp4', tmp_path / 'videos'])
    assert [source.path.relative_to(tmp_path) for source in found.sources] == [
        Path('videos/a.mp4'),
        Path('videos/other/b.mp4'),
    ]


def test_folders_of_frames_need_a_rate(tmp_path: Path) -> None:
    frames = write_images(tmp_path / 'frames', 'frame_01.png', 'frame_02.png')
    write_images(tmp_path / 'one', 'texture_image_01.png')
    assert find_sources([tmp_path], 30.0).sources == (NumberedFrames(frames, folder_rate=30.0),)
    found = find_sources([tmp_path])
    assert found.sources == ()
    [(path, reason)] = found.broken
    assert path == frames
    assert 'without times. Give the rate' in reason
    # Images of two videos have no common numbers.
    mixed = write_images(tmp_path / 'mixed', 'a_1.png', 'b_1.png')
    assert [path for path, _ in find_sources([tmp_path], 30.0).broken] == [mixed]


def test_what_may_not_be_read_is_told_and_the_search_goes_on(tmp_path: Path) -> None:
    make_empty(*(tmp_path / name for name in ('a.mp4', 'closed/b.mp4', 'd.mp4')))
    program = """
        import os
        from pathlib import Path
        from afformer_core.offline.maskahand.sources import find_sources
        if os.geteuid() == 0:
            # Root may read everything.
            os.setuid(65534)
        found = find_sources([Path()])
        print([source.path.name for source in found.sources])
        print([(path.name, reason) for path, reason in found.broken])
        """
    tmp_path.chmod(0o755)
    (tmp_path / 'closed').chmod(0)
    command = [sys.executable, '-c', textwrap.dedent(program)]
    said = subprocess.check_output(command, cwd=tmp_path, text=True)
    assert said.splitlines() == [
        "['a.mp4', 'd.mp4']",
        "[('closed', 'it cannot be read: Permission denied')]",
    ]


def test_bags_and_demonstrations_are_found_and_those_that_cannot_be_read_told(
    write_bag: Callable[..., Path], raw: Callable[..., Any], tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw, '/right': raw})
    store = DemonstrationStore(tmp_path / 'store')
    writer = store.begin('press')
    for number in range(3):
        writer.add_frame(np.full((24, 32, 3), 50 * number, np.uint8), 100 + 0.25 * number)
    encoded = EncodedFrames(
        np.zeros((2, 8, 8, 3), np.uint8), FrameFeatures(np.zeros((2, 4, 1, 1), np.float32))
    )
    writer.finish(
        StoreEntry(
            Summary(name='press', frames=3, frames_kept=2, duration=0.5, begin=0.25, end=0.5),
            1.0,
            1,
            2,
            'model',
        ),
        encoded,
    )
    damaged = tmp_path / 'damaged.mcap'
    damaged.write_bytes((tmp_path / 'store' / 'press.mcap').read_bytes()[:-1000])
    make_empty(tmp_path / 'crashed' / 'crashed_0.db3', tmp_path / 'old.bag')
    found = find_sources([tmp_path])
    demonstration = BagTopic(tmp_path / 'store' / 'press.mcap', 'demonstration')
    assert found.sources == (BagTopic(bag, '/left'), BagTopic(bag, '/right'), demonstration)
    assert [frame.time for frame in demonstration.frames(4.0)] == [0, 0.25, 0.5]
    assert demonstration.at([0.5])[0, 0, 0].tolist() == pytest.approx([100] * 3, abs=2)
    reasons = {path.name: reason for path, reason in found.broken}
    assert set(reasons) == {'damaged.mcap', 'crashed_0.db3', 'old.bag'}
    assert 'ros2 bag reindex' in reasons['crashed_0.db3']
    assert 'rosbags-convert' in reasons['old.bag']


def test_what_is_named_is_taken_hidden_or_not(
    write_bag: Callable[..., Path], raw: Callable[..., Any], tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw, '/right': raw})
    make_empty(tmp_path / '.hidden' / 'a.mp4', tmp_path / 'film.dat')
    named = [tmp_path / '.hidden', tmp_path / 'film.dat', Path(f'{bag}#/right')]
    found = find_sources(named).sources
    assert [(source.path.name, source.topic) for source in found] == [
        ('a.mp4', ''),
        ('bag', '/right'),
        ('film.dat', ''),
    ]
    with pytest.raises(DatasetError, match=r'nowhere does not exist'):
        find_sources([tmp_path / 'nowhere'])


def test_a_source_is_opened_by_its_path_and_topic(tmp_path: Path) -> None:
    assert open_source(tmp_path / 'a.mp4') == VideoFile(tmp_path / 'a.mp4')
    assert open_source(tmp_path, '/left') == BagTopic(tmp_path, '/left')
    assert open_source(tmp_path, folder_rate=30.0) == NumberedFrames(tmp_path, folder_rate=30.0)
    with pytest.raises(VideoError, match='--folder-rate'):
        open_source(tmp_path)
