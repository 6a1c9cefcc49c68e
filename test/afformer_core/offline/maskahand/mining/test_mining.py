# SPDX-License-Identifier: Apache-2.0
"""Mining: the same index however a run goes, and what is damaged told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import PIL.Image
import psutil
import pyarrow.parquet as pq
import pytest
import torch

from afformer_core.errors import DatasetError
from afformer_core.hands.hand import Hand, HandDetector
from afformer_core.media.video import VideoFrame, write_video
from afformer_core.offline.maskahand.mining.index import HandIndex, read_index
from afformer_core.offline.maskahand.mining.mined_part import (
    MinedPart,
    examined,
    read_part,
    write_part,
)
from afformer_core.offline.maskahand.mining.mining import Mining, MiningSettings
from afformer_core.offline.maskahand.mining.video_parts import joined, video_parts
from afformer_core.offline.maskahand.sources import find_sources
from afformer_core.offline.maskahand.sources.video_file import VideoFile
from afformer_core.offline.parallel.local_engine import LocalEngine

SETTINGS = MiningSettings(rate=5.0, clip_frames=8, stride=4, part_frames=20)
PATIENCE = 60.0


@pytest.fixture(scope='module')
def videos(red: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 s with contacts at 2 to 3 s and 8 to 9 s; 3 s with one at 1 s; 5 s without."""
    folder = tmp_path_factory.mktemp('videos')
    write_video(folder / 'a.mp4', red.film(12, 10, [(2, 3), (8, 9)]), 10)
    write_video(folder / 'b.mp4', red.film(3, 10, [(1, 3)]), 10)
    write_video(folder / 'c.mp4', red.film(5, 10, []), 10)
    return folder


def mine(
    red: ModuleType,
    folder: Path,
    output: Path,
    processes: int = 1,
    settings: MiningSettings = SETTINGS,
    detector: str = 'RedHands',
    folder_rate: float | None = None,
) -> tuple[HandIndex, int]:
    """The index, and how often a frame was looked at."""
    found = find_sources([folder], folder_rate)
    mining = Mining(found, getattr(red, detector), output, settings)
    detected_videos = sum(mining.detect(LocalEngine(processes)))
    assert mining.done == mining.total
    mining.write_index()
    return read_index(output / 'index.json'), detected_videos


def copied(videos: Path, target: Path) -> Path:
    return Path(shutil.copytree(videos, target, copy_function=shutil.copy2))


def test_hands_times_and_clips_are_those_of_the_video(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    index, _ = mine(red, videos, tmp_path)
    assert index.interaction_score == 0.9
    assert index.settings == {
        'detector': 'red 1', 'rate': 5.0, 'clip_frames': 8, 'stride': 4, 'folder_rate': None,
    }  # fmt: skip
    first, second, third = index.videos
    assert (first.path, first.topic, first.size) == (videos / 'a.mp4', '', (96, 64))
    assert first.times[:4] == (0.0, 0.2, 0.4, 0.6)
    assert len(first.times) == 60
    in_contact = [n for n, hands in first.hands.items() if hands[0].contact]
    assert in_contact == [*range(10, 15), *range(40, 45)]
    assert sorted(first.hands) == [*range(5, 15), *range(35, 45)]
    left, top, right, bottom = first.hands[10][0].box
    assert (left, right) == pytest.approx((30, 62), abs=2)
    assert (top, bottom) == pytest.approx((20, 44), abs=2)
    assert first.clips == ((4, 11), (8, 15), (12, 19), (36, 43), (40, 47), (44, 51))
    assert second.clips == ((0, 7), (4, 11), (7, 14))
    assert third.clips == ()
    assert index.broken == ()


def test_the_score_and_the_length_of_clips_are_the_users_and_nothing_is_looked_at_again(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    mine(red, videos, tmp_path)
    stricter = MiningSettings(
        rate=5.0, clip_frames=32, stride=16, interaction_score=1.0, part_frames=20
    )
    assert mine(red, videos, tmp_path, settings=stricter)[1] == 0
    longer = MiningSettings(rate=5.0, clip_frames=32, stride=16, part_frames=20)
    index, detected_videos = mine(red, videos, tmp_path, settings=longer)
    assert detected_videos == 0
    assert index.videos[0].clips == ((0, 31), (16, 47), (28, 59))
    assert index.videos[1].clips == ((0, 14),)


def test_the_index_does_not_depend_on_processes(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    index, detected_videos = mine(red, videos, tmp_path / 'some', 2)
    assert detected_videos >= 100
    mine(red, videos, tmp_path / 'one')
    one, some = ((tmp_path / name / 'index.json').read_bytes() for name in ('one', 'some'))
    assert one == some
    assert sum(len(video.clips) for video in index.videos) == 9


def test_frames_are_decoded_in_another_thread_for_a_gpu_and_the_index_is_the_same(
    red: ModuleType, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()
    frames_of = VideoFile.frames

    def watched(*arguments: Any) -> Iterator[VideoFrame]:
        threads.add(threading.get_ident())
        yield from frames_of(*arguments)

    monkeypatch.setattr(VideoFile, 'frames', watched)
    mine(red, videos, tmp_path / 'core')
    assert threads == {threading.get_ident()}
    monkeypatch.setattr(red.RedHands, 'on_gpu', True)
    mine(red, videos, tmp_path / 'gpu')

    assert len(threads) > 1
    core, gpu = ((tmp_path / name / 'index.json').read_bytes() for name in ('core', 'gpu'))
    assert gpu == core


def test_few_frames_are_in_memory_at_once(
    red: ModuleType, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[weakref.ref[np.ndarray]] = []
    alive = []
    detected = red.RedHands._hands

    def watched(detector: HandDetector, image: np.ndarray) -> tuple[Hand, ...]:
        seen.append(weakref.ref(image))
        alive.append(sum(reference() is not None for reference in seen))
        return detected(detector, image)

    monkeypatch.setattr(red.RedHands, '_hands', watched)
    settings = replace(SETTINGS, part_frames=100)
    mine(red, videos, tmp_path, settings=settings)

    # The detector looks at batches of four.
    assert len(seen) == 100
    assert max(alive) <= 8


@pytest.mark.parametrize(
    ('on_gpu', 'asked', 'used'),
    [(False, None, 3), (True, None, 4), (False, 1, 1), (True, 2, 2), (False, 9, 6)],
)
def test_as_many_processes_as_have_something_to_do(
    red: ModuleType,
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    on_gpu: bool,
    asked: int | None,
    used: int,
) -> None:
    """Of three cores, one GPU, and six parts."""
    found: list[int] = []
    monkeypatch.setattr(red.RedHands, 'on_gpu', on_gpu)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 3)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setattr(
        LocalEngine, 'map', lambda engine, *rest: found.append(engine.processes) or ()
    )
    mining = Mining(find_sources([videos]), red.RedHands, tmp_path, SETTINGS)
    list(mining.detect(LocalEngine(asked)))
    assert found == [used]


@pytest.mark.slow
def test_killed_and_resumed_is_the_same_index(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    program = f"""
        import sys
        from pathlib import Path
        from afformer_core.offline.maskahand.mining.mining import Mining, MiningSettings
        from afformer_core.offline.maskahand.sources import find_sources
        from afformer_core.offline.parallel.local_engine import LocalEngine
        if __name__ == '__main__':
            sys.path.append({str(Path(red.__file__).parent)!r})
            from red_hands import SlowRedHands
            found = find_sources([Path({str(videos)!r})])
            settings = {SETTINGS!r}
            mining = Mining(found, SlowRedHands, Path({str(tmp_path)!r}), settings)
            list(mining.detect(LocalEngine(2)))
        """
    (tmp_path / 'program.py').write_text(textwrap.dedent(program))
    with subprocess.Popen([sys.executable, str(tmp_path / 'program.py')]) as process:
        while not list(tmp_path.glob('parts/*/[!.]*')):
            assert process.poll() is None
            time.sleep(0.001)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(workers, timeout=PATIENCE)[1] == []
    kept = len(list(tmp_path.glob('parts/*/[!.]*')))
    assert 0 < kept < 5
    _, detected_videos = mine(red, videos, tmp_path)
    assert 0 < detected_videos < 100
    mine(red, videos, tmp_path / 'whole')
    assert not list(tmp_path.rglob('.*'))
    # Seen from their folders, the videos lie elsewhere.
    assert read_index(tmp_path / 'index.json') == read_index(tmp_path / 'whole' / 'index.json')


def test_only_new_and_changed_videos_are_looked_at(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    folder = copied(videos, tmp_path / 'videos')
    (folder / 'b.mp4').rename(tmp_path / 'b.mp4')
    assert mine(red, folder, tmp_path / 'mined')[1] >= 85
    (tmp_path / 'b.mp4').rename(folder / 'b.mp4')
    index, detected_videos = mine(red, folder, tmp_path / 'mined')
    assert 15 <= detected_videos <= 16
    assert [video.path.name for video in index.videos] == ['a.mp4', 'b.mp4', 'c.mp4']
    os.utime(folder / 'c.mp4', (1, 1))
    assert 25 <= mine(red, folder, tmp_path / 'mined')[1] <= 27
    (folder / 'c.mp4').unlink()
    assert len(mine(red, folder, tmp_path / 'mined')[0].videos) == 2


def test_damage_is_told_and_what_precedes_it_and_other_videos_are_used(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    folder = copied(videos, tmp_path / 'videos')
    write_video(folder / 'b.mp4', red.film(30, 10, [(2, 3), (26, 27)]), 10, 1)
    data = bytearray((folder / 'b.mp4').read_bytes())
    begin, length = len(data) // 2, len(data) // 50
    data[begin : begin + length] = bytes(length)
    (folder / 'b.mp4').write_bytes(data)
    (folder / 'empty.mp4').touch()
    (folder / 'text.mp4').write_text('no video')
    index, _ = mine(red, folder, tmp_path / 'mined')
    assert [video.path.name for video in index.videos] == ['a.mp4', 'b.mp4', 'c.mp4']
    assert [path.name for path, _ in index.broken] == ['b.mp4', 'empty.mp4', 'text.mp4']
    read = index.videos[1].times[-1]
    assert 8 < read < 28
    assert index.broken[0][1].startswith(f'was read up to {read:.2f} s: ')
    assert 'is damaged after' in index.broken[0][1]
    assert index.videos[1].clips[0] == (4, 11)
    assert index.videos[0].clips == ((4, 11), (8, 15), (12, 19), (36, 43), (40, 47), (44, 51))


def test_a_detector_that_fails_is_told_and_the_rest_is_used(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    index, _ = mine(red, videos, tmp_path, detector='FailingRedHands')

    assert [len(video.times) for video in index.videos] == [40, 15, 25]
    told = 'was read up to 7.80 s: the detector failed: RuntimeError: no memory is left'
    assert index.broken == ((videos / 'a.mp4', told),)
    assert mine(red, videos, tmp_path)[0].broken == ()


def test_what_was_damaged_is_tried_again(red: ModuleType, videos: Path, tmp_path: Path) -> None:
    folder = copied(videos, tmp_path / 'videos')
    mine(red, folder, tmp_path / 'mined')
    part = next((tmp_path / 'mined' / 'parts').rglob('00002.parquet'))
    whole = (tmp_path / 'mined' / 'index.json').read_bytes()
    write_part(part, replace(read_part(part), damage='the disk was away'), {})
    (part.parent / f'.{part.name}.half').touch()
    index, detected_videos = mine(red, folder, tmp_path / 'mined')
    assert detected_videos >= 20
    assert index.broken == ()
    assert not list(tmp_path.rglob('.*'))
    assert (tmp_path / 'mined' / 'index.json').read_bytes() == whole


def test_frames_that_change_in_size_end_a_video(red: ModuleType, tmp_path: Path) -> None:
    (tmp_path / 'frames').mkdir()
    for number in range(40):
        image = PIL.Image.fromarray(red.draw_frame(230))
        size = (96, 64) if number < 25 else (64, 96)
        image.resize(size).save(tmp_path / 'frames' / f'{number:03}.png')
    for part_frames in (100, 25):
        settings, mined = replace(SETTINGS, part_frames=part_frames), tmp_path / f'{part_frames}'
        index, _ = mine(red, tmp_path / 'frames', mined, settings=settings, folder_rate=5.0)
        assert len(index.videos[0].times) == 25
        assert index.settings['folder_rate'] == 5.0
        [(path, reason)] = index.broken
        assert path == tmp_path / 'frames'
        assert reason == ('was read up to 4.80 s: its frames become 64x96, those before are 96x64')


def test_images_that_cannot_be_read_are_left_out_and_told(red: ModuleType, tmp_path: Path) -> None:
    (tmp_path / 'frames').mkdir()
    for number, image in enumerate(red.film(8, 5, [(2, 3), (6, 7)])):
        PIL.Image.fromarray(image).save(tmp_path / 'frames' / f'{number:03}.png')
    for number in (12, 27):
        (tmp_path / 'frames' / f'{number:03}.png').write_bytes(b'no image')
    index, _ = mine(red, tmp_path / 'frames', tmp_path / 'mined', folder_rate=5.0)

    [video] = index.videos
    assert len(video.times) == 38
    assert not {2.4, 5.4} & set(video.times)
    in_contact = [video.times[n] for n, hands in video.hands.items() if hands[0].contact]
    assert in_contact == [2.0, 2.2, 2.6, 2.8, 6.0, 6.2, 6.4, 6.6, 6.8]
    [(path, reason)] = index.broken
    assert path == tmp_path / 'frames'
    assert reason.startswith('2 of 40 frames were left out, the first at 2.40 s: ')
    assert '012.png is truncated or cannot be read' in reason
    assert mine(red, tmp_path / 'frames', tmp_path / 'mined', folder_rate=5.0)[1] == 0


def test_a_part_that_was_altered_is_told(red: ModuleType, videos: Path, tmp_path: Path) -> None:
    mine(red, videos, tmp_path)
    part = next((tmp_path / 'parts').rglob('00000.parquet'))
    content = part.read_bytes()
    for altered in (content[:-20], b'{}'):
        part.write_bytes(altered)
        with pytest.raises(DatasetError, match=r'00000.parquet is damaged: .*Remove it and run'):
            mine(red, videos, tmp_path)


def test_the_file_of_a_part_tells_what_it_is_of(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    mine(red, videos, tmp_path / 'mined')
    files = [pq.ParquetFile(path) for path in (tmp_path / 'mined').rglob('parts/*/*.parquet')]
    facts = [json.loads(file.schema_arrow.metadata[b'afformer']) for file in files]
    rows = [file.read() for file in files]

    assert {Path(each['video']).name for each in facts} == {'a.mp4', 'b.mp4', 'c.mp4'}
    assert {each['detector'] for each in facts} == {'red 1'}
    assert {(each['rate'], each['part_frames'], *each['size']) for each in facts} == {
        (5.0, 20, 96, 64)
    }
    assert sum(table.num_rows for table in rows) == 60 + 15 + 25
    boxes = [hand for table in rows for hands in table['hands'].to_pylist() for hand in hands]
    assert len(boxes) == 20 + 15
    assert {(box['contact'], box['contact_x']) for box in boxes} == {(True, None), (False, None)}


def test_parts_without_frames_have_no_size_and_end_no_video(tmp_path: Path) -> None:
    file = tmp_path / 'a.mp4'
    write_video(file, np.zeros((3, 48, 64, 3), np.uint8), 1.0)
    (video,), _ = video_parts(find_sources([file]).sources, tmp_path, 'red 1', 1.0, 1)
    sizes, times = ((64, 48), (0, 0), (64, 48)), ((0.0,), (), (2.0,))
    for part, *seen in zip(video.parts, sizes, times, strict=True):
        write_part(part.file, MinedPart(*seen, {}), {})
    assert joined(video) == (MinedPart((64, 48), (0.0, 2.0), {}), '')


def test_a_detector_that_forgets_frames_is_told(
    red: ModuleType, videos: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=r'red 1 returned hands for 10 frames; expected .* 20'):
        mine(red, videos, tmp_path, detector='ForgetfulRedHands')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'rate': 0.0}, 'the rate is 0.0 frames per second'),
        ({'clip_frames': 1}, 'clips have 1 frames'),
        ({'interaction_score': 1.5}, 'from which hands interact is 1.5'),
    ],
)
def test_settings_that_cannot_be_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MiningSettings(**arguments)


def test_hands_of_low_scores_and_without_area_are_left_out_and_digits_are_few() -> None:
    class Detector(HandDetector):
        name, interaction_score, least_rate = 'some', 0.9, 0.0

        def detect(self, frames):
            for _ in frames:
                yield (
                    Hand((1.23456, 2.0, 3.99999, 5.55555), True, 0.9899999, (2.22222, 9.0)),
                    Hand((1.0, 2.0, 1.01, 5.0), True, 0.9),
                    Hand((1.0, 2.0, 3.0, 4.0), False, 0.04),
                )

    part = examined(Detector(), [VideoFrame(0.0, np.zeros((8, 8, 3), np.uint8))])
    assert part.hands == {0: (Hand((1.2, 2.0, 4.0, 5.6), True, 0.99, (2.2, 9.0)),)}
