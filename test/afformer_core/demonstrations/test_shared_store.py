# SPDX-License-Identifier: Apache-2.0
"""Two libraries of one store, as two nodes have it, and what outlives a restart."""

import os

import numpy as np
import pytest

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.selection import SelectionFile
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError

from .conftest import record


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
