# SPDX-License-Identifier: Apache-2.0
import errno
import os
import resource
import shutil
import subprocess
import tracemalloc

import numpy as np
import pytest

from afformer_core.demonstrations.demonstration_file import read_frames
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import (
    Persistence,
    RecordedFrame,
    Recording,
    Trimmer,
    record_whole,
)
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.video import VideoReader

IMAGE = np.zeros((4, 4, 3), np.uint8)


class Scripted:
    """Stands for the reader: '#' motion, 'h' a hand, '.' nothing."""

    def __init__(self, script):
        self._script = script
        self.number = 0

    @property
    def hands(self):
        return int(self._script[self.number] in 'hH')

    @property
    def moves(self):
        return self._script[self.number] in '#H'


def _trimmed(script, maximum=8, margin=0.25, rate=8.0):
    reader = Scripted(script)
    trimmer = Trimmer(reader, maximum, margin)
    for reader.number in range(len(script)):
        trimmer.add(RecordedFrame(reader.number, reader.number / rate, IMAGE))
    return trimmer


def _range(part):
    return part.first.number, part.last.number


def test_the_part_has_a_margin_on_both_sides():
    part = _trimmed('.....#####......').part()
    assert _range(part) == (4, 11)
    assert [frame.number for frame in part.frames] == [4, 5, 6, 7, 8, 9, 10, 11]
    assert (part.trimmed_by, part.reason) == ('motion', '')


def test_a_pause_between_two_activities_is_kept():
    part = _trimmed('...###.............###......', maximum=6).part()
    assert _range(part) == (2, 23)
    assert [frame.number for frame in part.frames] == [2, 6, 10, 15, 19, 23]


def test_after_a_long_pause_or_end_the_frames_stay_even():
    part = _trimmed('...#####' + '.' * 2000).part()
    assert _range(part) == (2, 9)
    assert [frame.number for frame in part.frames] == [2, 3, 4, 5, 6, 7, 8, 9]
    part = _trimmed('.###' + '.' * 999 + '###..').part()
    gaps = np.diff([frame.number for frame in part.frames])
    assert _range(part) == (0, 1007)
    assert gaps.max() - gaps.min() <= 64


def test_memory_is_bounded_however_long_nothing_or_everything_happens():
    for script in ('.' * 3000, '#' * 150 + '.' * 3000, '#' * 3000):
        trimmer = _trimmed(script, rate=1000.0)
        assert len(trimmer.certain_frames()) <= 32
        assert len(trimmer.part().frames) == 8


def test_only_frames_of_the_part_are_certain():
    trimmer = _trimmed('.....###......')
    assert [frame.number for frame in trimmer.certain_frames()] == [4, 5, 6, 7, 8, 9]
    assert _trimmed('......').certain_frames() == []


@pytest.mark.parametrize(
    ('script', 'reason'),
    [
        ('.' * 20, 'no activity was seen'),
        # A face may be a hand for a frame.
        ('..h...h.#..h.#......', 'no activity was seen'),
        ('#' * 19 + '.', 'motion from its beginning to its end'),
    ],
)
def test_everything_is_used_where_no_part_can_be_told(script, reason):
    part = _trimmed(script).part()
    assert _range(part) == (0, 19)
    assert (part.trimmed_by, part.reason) == ('', reason)


@pytest.mark.parametrize(
    ('script', 'used', 'hands_seen'),
    [
        # Hands come before motion, which belongs to them if it goes on.
        ('##...hhhh.......', (4, 10), 4),
        ('.....hhhH###....', (4, 13), 4),
        # Over pauses of two seconds, but not of more.
        ('.....hhhh' + '.' * 14 + '###....', (4, 27), 4),
        ('.....hhhh' + '.' * 15 + '###....', (4, 10), 4),
    ],
)
def test_hands_decide_with_what_moves_on(script, used, hands_seen):
    trimmer = _trimmed(script)
    part = trimmer.part()
    assert (_range(part), part.trimmed_by) == (used, 'hands')
    assert trimmer.hands_seen == hands_seen


def test_without_a_reader_everything_is_used_without_a_word():
    trimmer = Trimmer(None, 8, 0.5)
    for number in range(20):
        trimmer.add(RecordedFrame(number, number / 10, IMAGE))
    part = trimmer.part()
    assert (_range(part), part.trimmed_by, part.reason) == ((0, 19), '', '')
    assert len(trimmer.certain_frames()) == 20


@pytest.mark.parametrize(
    ('seen', 'rate', 'lasts'),
    [
        ([1, 1, 0, 1], 30, [0, 0, 0, 0]),
        ([1, 1, 1, 1, 1], 30, [0, 0, 0, 1, 1]),
        ([0, 1, 1, 1], 2, [0, 0, 1, 1]),
    ],
)
def test_persistence(seen, rate, lasts):
    persistence = Persistence()
    found = [persistence.lasts(bool(one), number / rate) for number, one in enumerate(seen)]
    assert found == [bool(one) for one in lasts]


def _record(grounder, images, store=None, trim=True, rate=10.0, start=100.0):
    recording = Recording('press', grounder, store, trim=trim)
    for number, image in enumerate(images):
        recording.add_frame(image, start + number / rate)
    return recording


def _desk_with_activity(desk, busy_desk):
    return [*map(desk, range(20)), *map(busy_desk, range(20)), *map(desk, range(20))]


@pytest.fixture(scope='module')
def recorded_activity(open_grounder, desk, busy_desk, tmp_path_factory):
    """A demonstration of the desk with activity, and the store that holds it."""
    store = DemonstrationStore(tmp_path_factory.mktemp('activity'))
    images = _desk_with_activity(desk, busy_desk)
    return _record(open_grounder(), images, store).finish(), store


def test_the_part_with_the_activity_is_kept(recorded_activity):
    recorded, _ = recorded_activity
    summary = recorded.summary
    assert (summary.frames, summary.frames_kept, summary.trimmed_by) == (60, 8, 'motion')
    assert summary.duration == pytest.approx(5.9)
    assert 1.4 <= summary.begin <= 1.8
    assert 4.4 <= summary.end <= 5.0
    assert 'used from' in str(recorded)


def test_where_nothing_happens_everything_is_kept_and_said(grounder, desk):
    recorded = _record(grounder, map(desk, range(20))).finish()
    assert (recorded.summary.begin, recorded.summary.end) == (0.0, pytest.approx(1.9))
    assert str(recorded) == ('8 of 20 frames, 1.9 s; everything is used: no activity was seen')


@pytest.mark.slow
def test_a_real_demonstration_between_still_images(grounder, test_data):
    path = test_data / 'opra' / 'clips' / 'seattle' / '1' / '193' / '217.5_6.5.mp4'
    with VideoReader(path) as reader:
        clip = [np.ascontiguousarray(frame.image[::4, ::4]) for frame in reader]
    still = [clip[124]] * 45
    summary = _record(grounder, [*still, *clip, *still], rate=29.97).finish().summary
    assert (summary.frames, summary.trimmed_by) == (286, 'hands')
    # The hand is there from 1.5 s to 5.4 s, and another one holds a post from 7.0 s to 8.0 s.
    assert 1.0 <= summary.begin <= 1.3
    assert 5.7 <= summary.end <= 8.6


def test_a_file_holds_every_frame_and_the_part(recorded_activity, grounder):
    recorded, store = recorded_activity
    (entry,), problems = store.load_all()
    assert (entry.summary, recorded.problem, problems) == (recorded.summary, '', ())
    assert entry.first_frame == round(10 * entry.summary.begin)
    assert entry.last_frame == round(10 * entry.summary.end)
    kept = store.encoded_frames('press', grounder.fingerprint)
    stored, expected = kept.features, recorded.encoded.features
    np.testing.assert_array_equal(stored.decoder, expected.decoder)
    assert len(stored.stages) == 3
    for stage, other in zip(stored.stages, expected.stages, strict=True):
        np.testing.assert_array_equal(stage, other)
    images = [grounder.resize(one) for one in read_frames(store.file('press'), 8)]
    assert np.abs(np.stack(images).astype(int) - kept.images).mean() < 3


@pytest.mark.parametrize(
    ('stamps', 'duration'),
    [([100.0, 100.5, 101.0, 40.0, 40.5, 41.0], 2.0), ([12.0, 12.5, 1.79e9, 1.79e9 + 0.5], 1.0)],
)
def test_a_clock_that_is_set_back_or_ahead_does_not_change_how_long_it_lasts(
    grounder, desk, stamps, duration
):
    recording = Recording('press', grounder, None, trim=False)
    for number, stamp in enumerate(stamps):
        recording.add_frame(desk(number), stamp)
    assert recording.duration == pytest.approx(duration)


def test_what_is_no_image_is_left_out(grounder, desk):
    recording = _record(grounder, [desk(0)])
    with pytest.raises(ImageError, match='uint8 RGB'):
        recording.add_frame(np.zeros((4, 4), np.uint8), 101.0)
    assert recording.finish().summary.frames == 1


def test_without_a_frame_nothing_is_left(grounder, tmp_path):
    recording = _record(grounder, [], DemonstrationStore(tmp_path))
    with pytest.raises(DemonstrationError, match='has no frame'):
        recording.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_is_dropped_leaves_no_file(grounder, desk, tmp_path):
    recording = _record(grounder, map(desk, range(3)), DemonstrationStore(tmp_path))
    assert [path.suffix for path in tmp_path.iterdir()] == ['.partial']
    recording.cancel()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording(grounder, desk, busy_desk, tmp_path):
    recording = Recording('press', grounder, DemonstrationStore(tmp_path))
    sizes = []
    tracemalloc.start()
    try:
        for number in range(600):
            still = number % 200 < 130
            recording.add_frame(desk(number % 7) if still else busy_desk(number), number / 30)
            if number in (199, 399, 599):
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    recording.cancel()
    # Of the frames from which the contact is read, 256 are kept.
    small = desk(0).nbytes
    assert sizes[2] - sizes[0] < 6.5e6 + 256 * small


def test_a_disk_that_fills_up_costs_the_file_not_the_recording(grounder, desk, tmp_path):
    store = DemonstrationStore(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        images = [np.random.default_rng(i).integers(0, 256, (240, 320, 3)) for i in range(12)]
        recording = _record(grounder, [one.astype(np.uint8) for one in images], store)
        during = list(tmp_path.iterdir())
        recorded = recording.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert during == []
    assert recorded.summary.frames == 12
    assert 'it will be lost when the process ends: ' in str(recorded)
    assert f'[Errno 27] {os.strerror(27)}' in recorded.problem
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_turns_read_only_costs_the_file_not_the_recording(
    grounder, desk, tmp_path, monkeypatch
):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    recording = _record(grounder, [desk(0)], DemonstrationStore(tmp_path))
    monkeypatch.setattr('mcap.writer.Writer.add_message', refuse)
    monkeypatch.setattr('pathlib.Path.unlink', refuse)
    recording.add_frame(desk(1), 101.0)
    recorded = recording.finish()
    assert recorded.summary.frames == 2
    assert os.strerror(errno.EROFS) in recorded.problem


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes of its own."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', str(folder)]
    if shutil.which('mount') is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip('no file system can be mounted here; that takes root')
    yield folder
    subprocess.run(['umount', str(folder)], check=True)


def test_a_full_disk_keeps_what_was_finished_and_takes_the_next_one(grounder, desk, small_disk):
    store = DemonstrationStore(small_disk / 'store')
    for number in range(4):
        record_whole(MediaFrames((desk(number),), 1, 0.0), f'small_{number}', grounder, store)
        if not (small_disk / 'store' / f'small_{number}.mcap').exists():
            break
    kept = {path.stem for path in (small_disk / 'store').iterdir()}
    recorded = _record(grounder, map(desk, range(8)), store).finish()
    assert 'press.mcap: [Errno 28] No space left on device' in recorded.problem
    sound, problems = store.load_all()
    assert {one.summary.name for one in sound} == kept != set()
    assert problems == ()
    assert all(store.encoded_frames(name, grounder.fingerprint) for name in kept)
    for name in kept:
        store.delete(name)
    assert record_whole(MediaFrames((desk(0),), 1, 0.0), 'next', grounder, store).problem == ''


def test_a_store_that_cannot_be_written_costs_the_file_not_the_recording(grounder, desk, tmp_path):
    store = DemonstrationStore(tmp_path / 'store')
    (tmp_path / 'store').rmdir()
    (tmp_path / 'store').write_text('a file is in the way')
    recorded = _record(grounder, [desk(0)], store).finish()
    assert 'press.mcap: [Errno 20]' in recorded.problem
    assert (recorded.summary.name, recorded.summary.frames) == ('press', 1)


def test_frames_that_are_there_already_are_used_whole(grounder, desk, busy_desk, tmp_path):
    store = DemonstrationStore(tmp_path)
    frames = (desk(0), desk(1), busy_desk(3), busy_desk(4), desk(5))
    recorded = record_whole(MediaFrames(frames, 40, 8.0), 'press', grounder, store)
    summary = recorded.summary
    assert (summary.frames, summary.frames_kept, summary.duration) == (40, 5, 8.0)
    assert (summary.begin, summary.end, summary.trimmed_by) == (0.0, 8.0, '')
    assert len(read_frames(store.file('press'), 8)) == 5
