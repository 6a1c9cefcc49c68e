# SPDX-License-Identifier: Apache-2.0
"""Demonstrations whose contact is marked after they were recorded."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.demonstrations.demonstration_file import read_messages
from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError
from afformer_core.runtime import ArrayGrounder, Peak
from afformer_core.runtime.demonstration import Sense

from .conftest import record
from .turned_disc import disc_frame

# In frames of 160x120: (143.5 + 0.5) / 160 and (11.5 + 0.5) / 120.
PIXEL, SHARES = (143.5, 11.5), (0.9, 0.1)


def heatmap(library, image):
    return library.predict(image).probabilities


def test_a_later_mark_is_that_of_a_path_to_the_bit_after_a_restart_too(library, restarted, desk):
    frames = tuple(map(desk, range(3)))
    library.add(MediaFrames(frames, 3, 1.0, contact=SHARES), 'of_a_path')
    expected = heatmap(library, desk(9))
    record(library, 'press', frames)
    found = heatmap(library, desk(9))

    told = library.mark('press', PIXEL)

    assert str(told) == "the contact of 'press' is marked at 143.5,11.5"
    assert np.abs(expected - found).max() > 0.1 * found.max()
    np.testing.assert_array_equal(heatmap(library, desk(9)), expected)
    again = restarted()
    again.select('press')
    np.testing.assert_array_equal(heatmap(again, desk(9)), expected)
    assert again.used_frame('').mark == PIXEL


def test_a_mark_that_is_taken_away_leaves_what_was_recorded(library, desk):
    record(library, 'press', map(desk, range(3)))
    found = heatmap(library, desk(9))
    library.mark('press', PIXEL)

    told = library.mark('', None)

    assert str(told).startswith("'press' has no mark; the model finds its contact: candidate 1 at")
    assert library.used_frame('press').mark is None
    np.testing.assert_array_equal(heatmap(library, desk(9)), found)


def test_a_tap_takes_a_candidate_and_the_next_one_is_free(library, restarted, desk):
    record(library, 'press', map(desk, range(3)))
    best = library.used_frame('press').candidates[0]
    # The diagonal has 200 pixels, 1.5 % of which are 3.
    aside = (best.u + (2.75 if best.u < 80 else -2.75), best.v)
    assert restarted().used_frame('press').candidates[0] == best

    assert library.mark('press', aside).mark == (best.u, best.v)
    assert library.mark('press', aside).mark == aside


@pytest.mark.parametrize(
    ('pixel', 'expected'), [(PIXEL, 'none, because the contact of .press. is m'), (None, '1 to 3')]
)
def test_a_candidate_that_is_not_there_is_refused(library, desk, pixel, expected):
    record(library, 'press', map(desk, range(3)))
    library.mark('press', pixel)
    with pytest.raises(DemonstrationError, match=f'the candidate is 4; expected {expected}'):
        library.used_frame('press').candidate(4)


@pytest.mark.parametrize('is_last', [False, True])
def test_the_frame_is_the_first_or_last_that_is_used_as_it_was_recorded(
    library, desk, busy_desk, is_last
):
    frames = [*map(desk, range(12)), *map(busy_desk, range(12, 24)), *map(desk, range(24, 36))]
    summary = record(library, 'press', frames)
    assert summary.trimmed_by == 'motion'
    number = round(10 * (summary.end if is_last else summary.begin))

    found = library.used_frame('press', last=is_last)

    assert 24 <= number < 35 if is_last else number > 0
    assert found.image.shape == (120, 160, 3)
    assert found.nanoseconds == 100_000_000_000 + number * 100_000_000
    assert found.jpeg[:2] == b'\xff\xd8'
    apart = [np.abs(found.image.astype(int) - each).mean() for each in frames]
    assert int(np.argmin(apart)) == number


def test_a_mark_leaves_the_frames_and_the_order_alone(library, restarted, desk, tmp_path):
    path = tmp_path / 'store' / 'press.mcap'
    record(library, 'press', map(desk, range(3)))
    record(library, 'pull', map(desk, range(2)))
    before = list(read_messages(path))

    library.mark('press', PIXEL)

    assert len(before) == 3
    assert list(read_messages(path)) == before
    assert restarted().state().names == ('press', 'pull')
    assert sorted(one.name for one in path.parent.iterdir()) == ['press.mcap', 'pull.mcap']


def test_a_marked_demonstration_is_recorded_anew_without_its_mark(library, desk):
    record(library, 'press', map(desk, range(2)))
    library.mark('press', PIXEL)
    record(library, 'press', map(desk, range(3)))
    assert library.used_frame('press').mark is None


def test_results_are_of_another_demonstration_where_a_selected_one_is_marked(library, desk):
    record(library, 'press', map(desk, range(2)))
    record(library, 'pull', map(desk, range(2, 4)))
    before = library.revision
    library.mark('press', PIXEL)
    assert (library.selected, library.revision) == ('pull', before)
    library.mark('pull', PIXEL)
    assert (library.selected, library.revision) == ('pull', before + 1)
    assert library.state().message == "the contact of 'pull' is marked at 143.5,11.5"


def _anew(library, store):
    (store / f'.press.{os.getppid()}.partial').touch()


def test_what_cannot_be_marked_is_refused_and_left_alone(library, desk, tmp_path):
    for each in ('press', 'pull'):
        record(library, each, map(desk, range(2)))
    library.select('press+pull')
    nothing = lambda *_: None  # noqa: E731
    content = (tmp_path / 'store' / 'press.mcap').read_bytes()
    for name, pixel, told, before in (
        ('absent', PIXEL, "there is no demonstration 'absent'; there are: press, pull", nothing),
        ('press', (160, 0), 'marked at 160,0; expected a pixel of the first .* 160x120', nothing),
        ('press', (0, -1), 'marked at 0,-1; expected a pixel', nothing),
        ('press', (float('nan'), 0), 'marked at nan,0; expected a pixel', nothing),
        ('', PIXEL, r'2 demonstrations are selected: press\+pull; expected one. Name', nothing),
        ('', PIXEL, 'no demonstration is selected', lambda *_: library.delete('pull')),
        ('press', PIXEL, "'press' is being recorded by another process", _anew),
        ('press', PIXEL, "'hold' is being recorded; finish it", lambda *_: library.start('hold')),
    ):
        before(library, tmp_path / 'store')
        with pytest.raises(DemonstrationError, match=told):
            library.mark(name, pixel)
        assert (tmp_path / 'store' / 'press.mcap').read_bytes() == content, told


def test_what_is_not_on_disk_cannot_be_marked(open_grounder, library, desk, tmp_path):
    store = tmp_path / 'store'
    store.rename(tmp_path / 'elsewhere')
    store.write_text('')
    record(library, 'press', map(desk, range(2)))
    kept_nowhere = DemonstrationLibrary(open_grounder(process=1), None)
    record(kept_nowhere, 'press', map(desk, range(2)))

    for each, reason in ((library, 'it cannot be written'), (kept_nowhere, 'there is no store')):
        told = f"the frames of 'press' are not stored: {reason}"
        with pytest.raises(DemonstrationError, match=told):
            each.used_frame('press')
        with pytest.raises(DemonstrationError, match=told):
            each.mark('press', PIXEL)


def test_a_model_that_takes_no_mark_leaves_the_file_alone(grounder, desk, tmp_path):
    networks = replace(grounder._networks, matching=None)
    decoder = ArrayGrounder(networks.configuration, networks, weights='decoder')
    library = DemonstrationLibrary(decoder, DemonstrationStore(tmp_path))
    record(library, 'press', map(desk, range(2)))
    before = (tmp_path / 'press.mcap').read_bytes()
    with pytest.raises(DemonstrationError, match='no matching network'):
        library.mark('press', PIXEL)
    assert (tmp_path / 'press.mcap').read_bytes() == before


def test_a_disk_that_refuses_leaves_everything_as_it_was(library, desk, tmp_path, monkeypatch):
    record(library, 'press', map(desk, range(2)))
    found, before = heatmap(library, desk(9)), list((tmp_path / 'store').iterdir())

    def refuse(source: Path, target: Path) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', refuse)
    with pytest.raises(DemonstrationError, match=r'cannot be written to .*No space left'):
        library.mark('press', PIXEL)
    monkeypatch.undo()

    assert list((tmp_path / 'store').iterdir()) == before
    assert library.used_frame('press').mark is None
    np.testing.assert_array_equal(heatmap(library, desk(9)), found)


def test_a_mark_of_one_process_is_that_of_the_others_once_they_select(library, restarted, desk):
    record(library, 'press', map(desk, range(2)))
    other = restarted()
    other.select('press')
    library.mark('press', PIXEL)
    assert other.used_frame('press').mark == PIXEL
    other.select('press')
    np.testing.assert_array_equal(heatmap(other, desk(9)), heatmap(library, desk(9)))


def test_what_another_process_changes_has_candidates_once_memorized(library, restarted, desk):
    record(library, 'press', map(desk, range(2)))
    other = restarted()
    other.select('press')
    library.mark('press', None)
    assert other.used_frame('').candidates == ()
    expected = other.mark('', None).candidates
    assert other.used_frame('').candidates == expected != ()


def _contact(grounder, encoded):
    """Nothing turns in the upper left corner, where the contact is found without a mark."""
    height, width = encoded.size
    x, y = encoded.contact or (0.0, 0.0)
    return Peak(x * width, y * height, 1.0)


def test_the_rotation_is_that_around_the_mark(library, monkeypatch):
    monkeypatch.setattr(ArrayGrounder, 'contact', _contact)
    record(library, 'turn', [disc_frame(3.0 * number) for number in range(16)])
    assert library.predict(disc_frame(0)).rotation.sense is None
    height, width = disc_frame(0).shape[:2]

    library.mark('turn', (0.5 * width, 0.45 * height))

    assert library.predict(disc_frame(0)).rotation.sense is Sense.CLOCKWISE


@pytest.mark.parametrize(
    ('degrees', 'sense'), [(3.0, Sense.CLOCKWISE), (-3.0, Sense.COUNTERCLOCKWISE)]
)
def test_the_rotation_of_a_file_stays_after_a_mark_and_a_restart(
    library, restarted, monkeypatch, degrees, sense
):
    monkeypatch.setattr(ArrayGrounder, 'contact', lambda grounder, encoded: Peak(96, 86, 1.0))
    shown = tuple(disc_frame(degrees * number) for number in range(16))
    library.add(MediaFrames((shown[0], shown[-1]), 16, 1.0, shown), 'turn')

    library.mark('turn', (1, 1))

    assert library.predict(shown[0]).rotation.sense is sense
    again = restarted()
    again.select('turn')
    assert again.predict(shown[0]).rotation.sense is sense
