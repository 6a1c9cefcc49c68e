# SPDX-License-Identifier: Apache-2.0
import os
import random
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from mcap.writer import Writer

from afformer_core.demonstrations.demonstration_file import read_frames, read_used_frame
from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.state import StoreEntry, Summary
from afformer_core.demonstrations.store import DemonstrationStore, SelectionFile
from afformer_core.errors import DemonstrationError
from afformer_core.runtime.demonstration import UNKNOWN_ROTATION, EncodedFrames, FrameFeatures

from .conftest import record


def test_another_model_gets_the_images_of_the_part_that_is_used(tmp_path, save):
    store = DemonstrationStore(tmp_path)
    save(store, 'press', value=90)
    assert store.encoded_frames('press', 'another model') is None
    frames = read_frames(store.file('press'), 8)
    assert len(frames) == 2
    assert np.abs(frames[0].astype(int) - 90).max() <= 2
    assert len(read_frames(store.file('press'), 1)) == 1


def test_encoded_frames_of_an_unknown_model_are_not_trusted(tmp_path, save):
    store = DemonstrationStore(tmp_path)
    save(store, 'press', fingerprint='')
    assert store.encoded_frames('press', '') is None


def test_load_all_is_in_order_of_creation(tmp_path, save):
    store = DemonstrationStore(tmp_path)
    save(store, 'a', created=30.0)
    save(store, 'b', created=10.0)
    save(store, '217.5_6.5', created=20.0)
    sound, problems = store.load_all()
    assert [one.summary.name for one in sound] == ['b', '217.5_6.5', 'a']
    assert problems == ()


def test_a_file_that_was_renamed_is_what_it_is_called(tmp_path, save):
    store = DemonstrationStore(tmp_path)
    save(store, 'press').rename(tmp_path / 'push.mcap')
    assert [one.summary.name for one in store.load_all()[0]] == ['push']


def test_a_path_as_name_reaches_no_file(tmp_path):
    store = DemonstrationStore(tmp_path / 'store')
    (tmp_path / 'outside.mcap').write_bytes(b'x')
    for act in (
        store.delete,
        store.begin,
        lambda name: store.encoded_frames(name, 'model'),
        lambda name: read_frames(store.file(name), 8),
    ):
        with pytest.raises(DemonstrationError, match='cannot name'):
            act('../outside')
    assert (tmp_path / 'outside.mcap').read_bytes() == b'x'
    assert list((tmp_path / 'store').iterdir()) == []


def test_an_interrupted_write_is_removed_and_not_loaded(tmp_path):
    finished = subprocess.run(
        [sys.executable, '-c', 'import os; print(os.getpid())'],
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / f'.press.{finished.stdout.strip()}.partial').write_bytes(b'half')
    (tmp_path / '.hold.partial').write_bytes(b'half')
    assert DemonstrationStore(tmp_path).load_all() == ((), ())
    assert list(tmp_path.iterdir()) == []


def test_a_write_of_a_running_process_is_left_alone(tmp_path):
    partial = tmp_path / f'.press.{os.getppid()}.partial'
    partial.write_bytes(b'half')
    DemonstrationStore(tmp_path)
    assert partial.exists()


@pytest.mark.parametrize('keep', [0, 10, 1000, -1])
def test_a_truncated_file_is_reported_and_set_aside(tmp_path, save, keep):
    store = DemonstrationStore(tmp_path)
    save(store, 'sound')
    path = save(store, 'broken')
    path.write_bytes(path.read_bytes()[:keep])
    sound, problems = store.load_all()
    assert [one.summary.name for one in sound] == ['sound']
    assert len(problems) == 1
    assert 'broken.mcap is damaged' in problems[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ['broken.mcap.damaged', 'sound.mcap']


@pytest.mark.parametrize(
    ('near', 'read'),
    [
        (b'trimmed_by', lambda store: store.encoded_frames('press', 'model')),
        (b'"features"', lambda store: store.encoded_frames('press', 'model')),
        (b'\xff\xd8\xff', lambda store: read_frames(store.file('press'), 8)),
    ],
)
def test_a_flipped_byte_is_noticed(tmp_path, save, near, read):
    store = DemonstrationStore(tmp_path)
    path = save(store, 'press')
    data = bytearray(path.read_bytes())
    data[data.index(near) + len(near) + 5] ^= 0x04
    path.write_bytes(bytes(data))
    with pytest.raises(DemonstrationError, match=r'press\.mcap is damaged'):
        read(store)


def _put(kind, store, save, monkeypatch):
    """Put a file that is no demonstration of this release into a store."""
    path = store.folder / kind
    if kind == 'press.mcap':
        monkeypatch.setattr('afformer_core.demonstrations.state.FORMAT', 5)
        save(store, 'press')
        monkeypatch.undo()
    elif kind == 'press (copy).mcap':
        save(store, 'press').rename(path)
    elif kind == 'pipe.mcap':
        os.mkfifo(path)
    else:
        with path.open('wb') as file:
            writer = Writer(file)
            writer.start(profile='ros2', library=64 * 'x')
            writer.finish()


@pytest.mark.parametrize(
    ('kind', 'expected'),
    [
        ('bag.mcap', ['bag.mcap cannot be used: it has no metadata record afformer']),
        ('press (copy).mcap', ["'press (copy)' cannot name a demonstration"]),
        ('press.mcap', ['format is 5; expected 4. Record the demonstration again']),
        ('pipe.mcap', ['pipe.mcap cannot be used: it is not a regular file; remove it']),
        ('press.npz', []),
    ],
)
def test_what_is_no_demonstration_is_told_and_left_alone(
    tmp_path, save, monkeypatch, kind, expected
):
    store = DemonstrationStore(tmp_path)
    _put(kind, store, save, monkeypatch)
    save(store, 'sound')
    sound, problems = store.load_all()
    assert [one.summary.name for one in sound] == ['sound']
    assert len(problems) == len(expected)
    assert all(one in problem for one, problem in zip(expected, problems, strict=True))
    store.delete('sound')
    assert [path.name for path in tmp_path.iterdir()] == [kind]


def test_an_absent_one_is_named(tmp_path):
    with pytest.raises(DemonstrationError, match="'press' is not stored in"):
        DemonstrationStore(tmp_path).encoded_frames('press', 'model')


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    with pytest.raises(DemonstrationError, match='Choose another folder'):
        DemonstrationStore(tmp_path / 'file')


def _save_until_killed(folder, save):
    store = DemonstrationStore(folder)
    value = 0
    while True:
        value = value % 250 + 1
        save(store, f'demonstration_{value % 3}', value=value)


def _whole(store, name):
    """Whether every part of a file is of the same writing."""
    encoded = store.encoded_frames(name, 'model')
    value = int(encoded.images[0, 0, 0, 0])
    images = np.stack(read_frames(store.file(name), 8)).astype(int)
    return (encoded.features.decoder == value).all() and np.abs(images - value).max() <= 2


@pytest.mark.slow
def test_fifty_kills_while_it_is_written_leave_every_finished_demonstration(tmp_path, save):
    delays = random.Random(1)
    names: set[str] = set()
    interrupted = 0
    for _ in range(50):
        child = os.fork()
        if child == 0:
            _save_until_killed(tmp_path, save)
        time.sleep(delays.uniform(0.01, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        interrupted += any(tmp_path.glob('.*.partial'))
        store = DemonstrationStore(tmp_path)
        sound, problems = store.load_all()
        assert problems == ()
        assert {one.summary.name for one in sound} >= names
        names = {one.summary.name for one in sound}
        assert {path.name for path in tmp_path.iterdir()} == {f'{name}.mcap' for name in names}
        assert all(_whole(store, name) for name in names)
    assert len(names) == 3
    assert interrupted


def test_a_disk_that_is_full_leaves_the_earlier_one(tmp_path, save):
    store = DemonstrationStore(tmp_path)
    size = save(store, 'press', value=1).stat().st_size
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
        try:
            save(store, 'press', value=2)
        except DemonstrationError as error:
            os._exit(0 if 'press.mcap: [Errno 27]' in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.encoded_frames('press', 'model').features.decoder.max() == 1
    assert [path.name for path in tmp_path.iterdir()] == ['press.mcap']


def test_a_file_that_is_damaged_further_on_is_not_marked(tmp_path):
    store = DemonstrationStore(tmp_path)
    writer = store.begin('press')
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 256, (1200, 1200, 3), np.uint8)
        writer.add_frame(noise, 100.0 + number)
    encoded = EncodedFrames(
        np.zeros((2, 8, 8, 3), np.uint8), FrameFeatures(np.zeros((2, 4, 1, 1), np.float32))
    )
    writer.finish(
        StoreEntry(
            Summary(name='press', frames=2, frames_kept=2, duration=1.0, begin=0.0, end=1.0),
            1.0,
            0,
            1,
            'model',
        ),
        encoded,
    )
    path = tmp_path / 'press.mcap'
    damaged = bytearray(path.read_bytes())
    # Each frame has a chunk of its own.
    damaged[round(0.75 * len(damaged))] ^= 255
    path.write_bytes(damaged)
    assert read_used_frame(store.file('press'), last=False).image.shape == (1200, 1200, 3)

    with pytest.raises(DemonstrationError, match=r'press\.mcap is damaged'):
        store.mark('press', (0.5, 0.5), UNKNOWN_ROTATION)

    assert path.read_bytes() == damaged
    assert [one.name for one in tmp_path.iterdir()] == ['press.mcap']


@pytest.fixture
def opened(open_grounder, tmp_path):
    """Opens the store as the node of a name does."""

    def open_as(owner='/left/grounding'):
        store = DemonstrationStore(tmp_path / 'store')
        grounder = open_grounder(process=int(owner != '/left/grounding'))
        file = SelectionFile(store.folder, owner)
        return DemonstrationLibrary(grounder, store, selection_file=file)

    return open_as


@pytest.fixture
def left(opened):
    return opened()


@pytest.fixture
def right(opened):
    return opened('/right/grounding')


def test_what_one_records_the_other_lists_and_selects(left, right, desk):
    record(left, 'press', [desk(0)])
    assert right.state().names == ()
    assert right.refresh().names == ('press',)
    right.select('press')
    np.testing.assert_array_equal(
        right.predict(desk(9)).probabilities, left.predict(desk(9)).probabilities
    )


def test_what_one_deletes_is_not_in_the_list_of_the_other(left, right, desk):
    record(left, 'press', [desk(0)])
    record(left, 'hold', [desk(1)])
    right.refresh()
    left.delete('press')
    assert right.refresh().names == ('hold',)
    with pytest.raises(DemonstrationError, match="no demonstration 'press'"):
        right.select('press')


def test_the_selected_one_is_grounded_on_and_told_where_the_other_deletes_it(left, right, desk):
    record(left, 'press', [desk(0)])
    right.select('press')
    left.delete('press')
    state = right.refresh()
    assert (state.names, state.selected) == (('press',), 'press')
    assert state.problem == "'press' will be lost when the process ends: its file was removed"
    assert right.predict(desk(9)).probabilities.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize('listed', [False, True])
def test_a_name_of_another_process_is_refused(left, right, desk, listed):
    record(left, 'press', [desk(0)])
    if listed:
        right.refresh()
    with pytest.raises(DemonstrationError, match="store contains 'press' from another process"):
        right.start('press')
    with pytest.raises(DemonstrationError, match="store contains 'press' from another process"):
        right.add(MediaFrames((desk(1),), 1, 0.0), 'press')
    right.delete('press')
    assert record(right, 'press', [desk(1)]).name == 'press'


def test_a_name_that_another_process_records_is_refused(left, desk, tmp_path):
    (tmp_path / 'store' / f'.press.{os.getppid()}.partial').write_bytes(b'half')
    with pytest.raises(DemonstrationError, match="'press' is being recorded by another process"):
        left.start('press')


def test_one_that_is_replaced_is_told_and_memorized_anew_by_the_other(left, right, desk):
    record(left, 'press', [desk(0)])
    right.select('press')
    before = right.predict(desk(9)).probabilities
    record(left, 'press', [255 - desk(1)])
    assert 'an earlier one of this name was replaced' in left.state().message
    right.refresh()
    np.testing.assert_array_equal(right.predict(desk(9)).probabilities, before)
    right.select('press')
    np.testing.assert_array_equal(
        right.predict(desk(9)).probabilities, left.predict(desk(9)).probabilities
    )


def test_the_selection_is_restored_for_each_node(left, right, opened, desk):
    record(left, 'press', [desk(0)])
    record(right, 'hold', [desk(1)])
    left.select('press+hold')
    for owner, selected in (('/left/grounding', 'press+hold'), ('/right/grounding', 'hold')):
        again = opened(owner)
        again.restore_selection()
        assert again.selected == selected


def test_a_selection_that_was_deleted_is_not_restored(left, right, opened, desk):
    record(left, 'press', [desk(0)])
    record(right, 'hold', [desk(1)])
    right.delete('press')
    again = opened()
    again.restore_selection()
    assert again.selected == ''
    told = again.state().message
    assert told.startswith('the last selection cannot be restored: there is no demo')
    right.delete('hold')
    again = opened('/right/grounding')
    again.restore_selection()
    assert (again.selected, again.state().message) == ('', 'no demonstration is selected')


def test_what_cannot_be_kept_is_told_until_it_is_deleted(left, desk, monkeypatch):
    def refuse(*_):
        raise DemonstrationError('it cannot be written: no space left')

    with monkeypatch.context() as disk:
        disk.setattr(DemonstrationStore, 'begin', refuse)
        left.start('press')
        assert left.state().message == (
            "recording 'press'; it will be lost when the process ends: it cannot be written: "
            'no space left'
        )
        left.add_frame(desk(0), 100.0)
        left.finish()
    told = "'press' will be lost when the process ends: it cannot be written: no space left"
    assert left.state().problem == told
    record(left, 'hold', [desk(1)])
    assert left.refresh().names == ('press', 'hold')
    assert left.state().problem == told
    left.delete('press')
    assert left.state().problem == ''


def test_a_selection_that_cannot_be_kept_is_told(left, desk, tmp_path):
    (tmp_path / 'store' / '.left.grounding.selection').mkdir()
    record(left, 'press', [desk(0)])
    assert left.selected == 'press'
    assert left.state().problem.startswith('the selection will be lost when the process ends: ')


def test_a_folder_that_was_removed_costs_what_was_in_it(left, desk, tmp_path):
    record(left, 'press', [desk(0)])
    record(left, 'hold', [desk(1)])
    (tmp_path / 'store').rename(tmp_path / 'elsewhere')
    left.delete('press')
    left.delete('hold')
    record(left, 'push', [desk(2)])
    assert (left.refresh().names, left.state().problem) == (('push',), '')
