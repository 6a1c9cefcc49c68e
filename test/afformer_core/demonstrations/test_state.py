# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from afformer_core.demonstrations.state import (
    StoreEntry,
    Summary,
    join_names,
    split_names,
    validated_name,
)
from afformer_core.errors import DemonstrationError

SUMMARY = Summary(
    name='press',
    frames=9,
    frames_kept=3,
    duration=2.0,
    begin=0.5,
    end=1.5,
    trimmed_by='motion',
    hands_seen=4,
)


@pytest.mark.parametrize('name', ['', '.hidden', '..', 'a/b', '../a', 'a b', 'a\n', 'x' * 65, 'ü'])
def test_names_that_are_refused(name):
    with pytest.raises(DemonstrationError, match='cannot name a demonstration'):
        validated_name(name)


@pytest.mark.parametrize('name', ['a', 'x' * 64, 'press-button_2', '217.5_6.5'])
def test_names_that_are_taken(name):
    assert validated_name(name) == name


def test_several_names_are_joined_and_split():
    assert split_names('left+right') == ('left', 'right')
    assert join_names(('left', 'right')) == 'left+right'


@pytest.mark.parametrize('selection', ['a+', '+', 'a+../b'])
def test_a_part_that_is_no_name(selection):
    with pytest.raises(DemonstrationError, match='cannot name'):
        split_names(selection)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'name': '../press'}, 'cannot name'),
        ({'frames_kept': 0}, 'contradict each other'),
        ({'frames_kept': 10}, 'contradict each other'),
        ({'duration': float('nan')}, 'contradict each other'),
        ({'begin': -0.1}, 'contradict each other'),
        ({'end': 2.1}, 'contradict each other'),
        ({'begin': 1.6}, 'contradict each other'),
        ({'hands_seen': 10}, 'contradict each other'),
        ({'frames_lost': -1}, 'contradict each other'),
        ({'contact': '0.5'}, "demonstration 'press': "),
        ({'contact': '0.5 1.5'}, "demonstration 'press': "),
        ({'contact': 'left top'}, "demonstration 'press': "),
    ],
)
def test_summaries_that_cannot_be(changes, message):
    with pytest.raises(DemonstrationError, match=message):
        replace(SUMMARY, **changes)


def test_an_entry_that_lacks_a_number_is_refused():
    texts = StoreEntry(SUMMARY, 1.0, 2, 7, '').to_text()
    del texts['hands_seen']
    with pytest.raises(KeyError, match='hands_seen'):
        StoreEntry.from_text(texts)


@pytest.mark.parametrize(
    'changes',
    [
        {'frames_kept': 1, 'begin': 0.0, 'end': 2.0, 'hands_seen': 0, 'frames_lost': 0},
        {'frames_kept': 9, 'begin': 1.5, 'hands_seen': 9},
    ],
)
def test_summaries_at_their_limits(changes):
    assert replace(SUMMARY, **changes)


def test_a_marked_contact_is_told_as_shares() -> None:
    assert SUMMARY.marked_contact is None
    assert replace(SUMMARY, contact='0.25 0.5').marked_contact == (0.25, 0.5)
