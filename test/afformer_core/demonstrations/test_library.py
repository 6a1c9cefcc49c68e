# SPDX-License-Identifier: Apache-2.0
import os

import cv2
import numpy as np
import pytest

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.state import Phase
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError, HandModelError, ImageError
from afformer_core.hands.landmarks import hand_networks
from afformer_core.runtime import ArrayGrounder

from .conftest import record


def test_a_recording_is_kept_selected_and_told(grounder, desk, tmp_path):
    states = []
    library = DemonstrationLibrary(grounder, DemonstrationStore(tmp_path), states.append)
    summary = record(library, 'press', map(desk, range(4)))
    assert (summary.name, summary.frames, summary.frames_kept) == ('press', 4, 4)
    assert [state.phase for state in states] == [Phase.RECORDING] * 5 + [Phase.READY]
    assert (states[-1].name, states[-1].selected, states[-1].names) == ('press',) * 2 + (
        ('press',),
    )
    assert states[-1].message == (
        "'press' is selected: 4 of 4 frames, 0.3 s; everything is used: no activity was seen"
    )


def test_a_check_drops_what_is_added(library, desk):
    record(library, 'press', map(desk, range(2)))
    checks = iter([None, None, KeyError('enough')])

    def check():
        if error := next(checks):
            raise error

    with pytest.raises(KeyError, match='enough'):
        library.add(MediaFrames(tuple(map(desk, range(5))), 5, 1.0), 'pull', check)
    assert library.state().names == ('press',)
    assert library.selected == 'press'


def test_what_is_prepared_is_grounded_beside_the_selection(library, desk, busy_desk):
    record(library, 'press', map(desk, range(3)))
    expected = library.predict(desk(99)).probabilities
    record(library, 'pull', map(busy_desk, range(3)))
    before = library.revision
    assert library.prepare('press') == ('press',)
    np.testing.assert_array_equal(library.predict(desk(99), ('press',)).probabilities, expected)
    assert (library.selected, library.revision) == ('pull', before)
    assert library.prepare('') == ('pull',)


def test_nothing_can_be_prepared_that_is_not_there(library):
    with pytest.raises(DemonstrationError, match='no demonstration is selected'):
        library.prepare('')
    with pytest.raises(DemonstrationError, match='other'):
        library.prepare('other')


def test_after_a_restart_the_result_is_the_same_to_the_bit(library, restarted, desk, busy_desk):
    record(library, 'press', [*map(desk, range(9)), *map(busy_desk, range(9))])
    before = library.predict(desk(99))
    again = restarted()
    assert again.state().names == ('press',)
    again.select('press')
    after = again.predict(desk(99))
    np.testing.assert_array_equal(after.probabilities, before.probabilities)
    assert (after.action_scores, after.feature_similarity) == (
        before.action_scores,
        before.feature_similarity,
    )
    assert again.state().frames == 18


def test_another_model_encodes_the_images_again(
    grounder, library, restarted, desk, busy_desk, tmp_path
):
    record(library, 'press', [*map(desk, range(9)), *map(busy_desk, range(9))])
    store = DemonstrationStore(tmp_path / 'store')
    kept = store.encoded_frames('press', grounder.fingerprint).images
    encoded = []

    def with_other_weights(grounder):
        other = ArrayGrounder(grounder.configuration, grounder._networks, weights='other')
        encode = other.encode
        other.encode = lambda frame: encoded.append(frame) or encode(frame)
        return other

    again = restarted(with_other_weights)
    assert encoded == []
    again.select('press')
    difference = np.abs(np.stack(encoded).astype(int) - kept)
    assert 0 < difference.mean() < 3
    assert again.predict(desk(99)).probabilities.sum() == pytest.approx(1, abs=1e-4)


def test_several_are_grounded_together(library, restarted, desk, busy_desk):
    record(library, 'left', map(busy_desk, range(4)))
    left = library.predict(desk(99)).probabilities
    record(library, 'right', map(busy_desk, range(12, 16)))
    right = library.predict(desk(99)).probabilities
    again = restarted()
    again.select('left+right')
    state = again.state()
    assert (state.name, state.selected, state.frames) == ('left+right', 'left+right', 8)
    together = again.predict(desk(99)).probabilities
    for alone in (left, right):
        assert np.abs(together - cv2.resize(alone, together.shape[::-1])).max() > 1e-6
    again.delete('left')
    assert (again.selected, again.state().names) == ('', ('right',))


@pytest.mark.parametrize(
    ('selection', 'message'),
    [
        ('absent', "no demonstration 'absent'; there are: press"),
        ('press+absent', "no demonstration 'absent'"),
        ('press+press', 'twice'),
        ('../press', 'cannot name'),
        ('', 'cannot name'),
    ],
)
def test_a_selection_that_cannot_be_leaves_the_old_one(library, desk, selection, message):
    record(library, 'press', [desk(0)])
    with pytest.raises(DemonstrationError, match=message):
        library.select(selection)
    assert library.selected == 'press'


def test_it_works_without_a_store(grounder, desk):
    library = DemonstrationLibrary(grounder, None)
    record(library, 'press', [desk(0)])
    record(library, 'push', [desk(1)])
    library.select('press')
    library.delete('push')
    assert library.state().names == ('press',)
    assert library.predict(desk(2)).probabilities.sum() == pytest.approx(1, abs=1e-4)


def test_a_file_that_was_damaged_meanwhile(library, restarted, desk, tmp_path):
    record(library, 'press', [desk(0)])
    again = restarted()
    path = tmp_path / 'store' / 'press.mcap'
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DemonstrationError, match=r'press\.mcap is damaged'):
        again.select('press')
    assert again.selected == ''


def test_one_recording_at_a_time(library, desk):
    assert library.start('') == 'demonstration_1'
    with pytest.raises(DemonstrationError, match="'demonstration_1' is being recorded"):
        library.start('other')
    with pytest.raises(DemonstrationError, match="'demonstration_1' is being recorded"):
        library.add(MediaFrames((desk(0),), 1, 0.0), 'other')
    library.cancel('the test ends')
    assert library.state().phase is Phase.FAILED
    with pytest.raises(DemonstrationError, match='start one first'):
        library.finish()
    with pytest.raises(DemonstrationError, match='start one first'):
        library.add_frame(desk(0), 1.0)


def test_a_name_is_chosen_that_no_other_process_writes_to(library, desk, tmp_path):
    (tmp_path / 'store' / 'demonstration_1.mcap').write_bytes(b'of another node')
    (tmp_path / 'store' / f'.demonstration_2.{os.getppid()}.partial').write_bytes(b'half')
    assert library.start('') == 'demonstration_3'


def test_whatever_fails_at_the_end_nothing_is_recorded_any_more(library, desk, monkeypatch):
    def fail(*_):
        raise RuntimeError('out of memory')

    library.start('press')
    library.add_frame(desk(0), 1.0)
    monkeypatch.setattr('afformer_core.demonstrations.recording.Recording.finish', fail)
    with pytest.raises(RuntimeError, match='out of memory'):
        library.finish()
    state = library.state()
    assert (state.phase, state.message) == (Phase.FAILED, 'out of memory')


def test_the_revision_counts_what_is_grounded(library, desk):
    revisions = [library.revision]
    record(library, 'press', [desk(0)])
    revisions.append(library.revision)
    record(library, 'press', [desk(1)])
    revisions.append(library.revision)
    library.select('press')
    revisions.append(library.revision)
    library.delete('press')
    revisions.append(library.revision)
    assert revisions == [0, 1, 2, 3, 4]


def test_what_was_lost_is_told(library, desk):
    library.start('press')
    library.add_frame(desk(0), 1.0)
    library.reject_frame(ImageError('not an image'))
    library.count_lost(on_the_way=2, dropped=3)
    assert library.state().frames_lost == 6
    summary = library.finish(reason='it was finished by itself')
    assert (summary.frames, summary.frames_lost, library.state().frames_lost) == (1, 6, 6)
    assert library.state().message.endswith(
        'it was finished by itself; 6 of 7 frames are missing; 2 frames were lost on the way; '
        '3 frames were dropped; 1 frames could not be read'
    )


def test_demonstrations_from_elsewhere(library, restarted, desk):
    summary = library.add(MediaFrames((desk(0), desk(1)), 30, 2.0), 'clip')
    assert (summary.frames, summary.frames_kept, summary.duration) == (30, 2, 2.0)
    again = restarted()
    again.select('clip')
    assert (again.state().frames, again.state().duration) == (30, 2.0)
    with pytest.raises(DemonstrationError, match='cannot name'):
        library.add(MediaFrames((desk(0),), 1, 0.0), '../clip')
    with pytest.raises(DemonstrationError, match='has no frame'):
        library.add(MediaFrames((), 0, 0.0), 'empty')


def test_hand_networks_that_cannot_be_used_are_told_at_once(grounder, tmp_path, monkeypatch):
    monkeypatch.setattr(hand_networks, 'FOLDER', tmp_path)
    with pytest.raises(HandModelError, match='palm_detection'):
        DemonstrationLibrary(grounder, None)


def test_a_mark_for_a_model_that_takes_none_leaves_nothing(small_folder, desk, tmp_path):
    grounder = ArrayGrounder.load(small_folder, 'torch', threads=1)
    library = DemonstrationLibrary(grounder, DemonstrationStore(tmp_path))
    with pytest.raises(DemonstrationError, match='no matching network'):
        library.add(MediaFrames((desk(0),), 1, 0.0, contact=(0.5, 0.5)), 'press')
    assert library.state().names == ()
    assert not list(tmp_path.glob('*.mcap'))
