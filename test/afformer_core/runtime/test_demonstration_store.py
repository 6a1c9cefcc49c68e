# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import numpy as np
import pytest

from afformer_core.errors import DemonstrationError
from afformer_core.runtime.demonstration_store import (
    DemonstrationStore,
    StoredDemonstration,
    validated_name,
)


def _demonstration(name: str, created: float = 1.0, value: int = 7) -> StoredDemonstration:
    frames = np.full((3, 4, 5, 3), value, np.uint8)
    return StoredDemonstration(name, frames, frame_count=9, duration=0.5, created=created)


def test_what_was_saved_is_loaded(tmp_path):
    DemonstrationStore(tmp_path / 'store').save(_demonstration('press'))
    loaded = DemonstrationStore(tmp_path / 'store').load('press')
    np.testing.assert_array_equal(loaded.frames, np.full((3, 4, 5, 3), 7, np.uint8))
    assert (loaded.name, loaded.frame_count, loaded.duration, loaded.created) == (
        'press',
        9,
        0.5,
        1.0,
    )


def test_only_the_finished_file_remains(tmp_path):
    DemonstrationStore(tmp_path).save(_demonstration('press'))
    assert [path.name for path in tmp_path.iterdir()] == ['press.npz']


def test_saving_again_replaces(tmp_path):
    store = DemonstrationStore(tmp_path)
    store.save(_demonstration('press', value=1))
    store.save(_demonstration('press', value=2))
    assert int(store.load('press').frames.max()) == 2


def test_load_all_is_in_order_of_creation(tmp_path):
    store = DemonstrationStore(tmp_path)
    store.save(_demonstration('a', created=30.0))
    store.save(_demonstration('b', created=10.0))
    store.save(_demonstration('c', created=20.0))
    sound, problems = store.load_all()
    assert [one.name for one in sound] == ['b', 'c', 'a']
    assert problems == ()


def test_a_name_with_dots_is_kept_whole(tmp_path):
    store = DemonstrationStore(tmp_path)
    store.save(_demonstration('217.5_6.5'))
    assert [one.name for one in store.load_all()[0]] == ['217.5_6.5']


def test_delete(tmp_path):
    store = DemonstrationStore(tmp_path)
    store.save(_demonstration('press'))
    store.delete('press')
    assert store.load_all() == ((), ())
    store.delete('press')


@pytest.mark.parametrize('name', ['', '.hidden', '..', 'a/b', '../a', 'a b', 'a\n', 'x' * 65, 'ü'])
def test_names_that_are_refused(name):
    with pytest.raises(DemonstrationError, match='cannot name a demonstration'):
        validated_name(name)


@pytest.mark.parametrize('name', ['a', 'x' * 64, 'press-button_2', '217.5_6.5'])
def test_names_that_are_taken(name):
    assert validated_name(name) == name


def test_a_path_as_name_reaches_no_file(tmp_path):
    store = DemonstrationStore(tmp_path / 'store')
    (tmp_path / 'outside.npz').write_bytes(b'x')
    with pytest.raises(DemonstrationError, match='cannot name'):
        store.delete('../outside')
    assert (tmp_path / 'outside.npz').exists()


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


@pytest.mark.parametrize('keep', [0, 10, 100])
def test_a_truncated_file_is_reported_and_set_aside(tmp_path, keep):
    store = DemonstrationStore(tmp_path)
    store.save(_demonstration('sound'))
    path = store.save(_demonstration('broken'))
    path.write_bytes(path.read_bytes()[:keep])
    sound, problems = store.load_all()
    assert [one.name for one in sound] == ['sound']
    assert len(problems) == 1
    assert 'broken.npz is damaged' in problems[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ['broken.npz.damaged', 'sound.npz']


def test_a_flipped_byte_is_noticed(tmp_path):
    store = DemonstrationStore(tmp_path)
    frames = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    path = store.save(StoredDemonstration('press', frames, 2, 0.1, 1.0))
    data = bytearray(path.read_bytes())
    at = data.index(b'frames.npy') + 300
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(DemonstrationError, match='damaged'):
        store.load('press')


def test_pickled_objects_are_not_read(tmp_path):
    np.savez(tmp_path / 'evil.npz', format=np.int64(1), frames=np.array([{}], dtype=object))
    sound, problems = DemonstrationStore(tmp_path).load_all()
    assert sound == ()
    assert 'evil.npz is damaged' in problems[0]


def test_a_file_of_another_format_is_refused(tmp_path):
    np.savez(tmp_path / 'new.npz', format=np.int64(2))
    with pytest.raises(DemonstrationError, match='format 2 is unknown, 1 is read'):
        DemonstrationStore(tmp_path).load('new')


def test_an_absent_one_is_named(tmp_path):
    with pytest.raises(DemonstrationError, match="'press' is not stored in"):
        DemonstrationStore(tmp_path).load('press')


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    with pytest.raises(DemonstrationError, match='choose another folder'):
        DemonstrationStore(tmp_path / 'file')


def test_a_failed_write_leaves_the_earlier_one(tmp_path, monkeypatch):
    store = DemonstrationStore(tmp_path)
    store.save(_demonstration('press', value=1))

    def refuse(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', refuse)
    with pytest.raises(DemonstrationError, match='No space left'):
        store.save(_demonstration('press', value=2))
    monkeypatch.undo()
    assert int(store.load('press').frames.max()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ['press.npz']


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'frames': np.zeros((0, 4, 4, 3), np.uint8)}, 'not empty'),
        ({'frames': np.zeros((2, 4, 4, 3), np.float32)}, 'must be uint8'),
        ({'frames': np.zeros((2, 4, 4), np.uint8)}, 'must be uint8'),
        ({'frame_count': 2}, 'cannot keep more'),
        ({'duration': float('nan')}, 'must be finite'),
        ({'duration': -1.0}, 'must be finite'),
    ],
)
def test_invariants(changes, message):
    fields = {
        'name': 'press',
        'frames': np.zeros((3, 4, 4, 3), np.uint8),
        'frame_count': 3,
        'duration': 1.0,
        'created': 1.0,
    }
    with pytest.raises(DemonstrationError, match=message):
        StoredDemonstration(**{**fields, **changes})
