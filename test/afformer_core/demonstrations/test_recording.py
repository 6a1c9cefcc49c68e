# SPDX-License-Identifier: Apache-2.0
import errno
import os
import resource
import shutil
import subprocess
import tracemalloc

import numpy as np
import pytest

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import Recording, record_whole
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.video import VideoReader


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
    images = [grounder.resize(one) for one in store.frames('press', 8)]
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
    assert len(store.frames('press', 8)) == 5
