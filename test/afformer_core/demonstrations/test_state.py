# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from afformer_core.demonstrations.record import Record
from afformer_core.demonstrations.state import Summary
from afformer_core.errors import DemonstrationError, ForeignFileError

SUMMARY = Summary('press', 9, 3, 2.0, 0.5, 1.5, 'motion', 4)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'name': '../press'}, 'cannot name'),
        ({'frames_kept': 0}, 'at least one'),
        ({'frames_kept': 10}, 'cannot keep more'),
        ({'duration': float('nan')}, 'finite'),
        ({'begin': -0.1}, 'lie in it'),
        ({'end': 2.1}, 'lie in it'),
        ({'begin': 1.6}, 'lie in it'),
        ({'hands_seen': 10}, 'more frames than were seen'),
    ],
)
def test_summaries_that_cannot_be(changes, message):
    with pytest.raises(DemonstrationError, match=message):
        replace(SUMMARY, **changes)


def test_a_record_is_read_back_from_its_texts():
    record = Record(SUMMARY, 1700000000.25, 2, 7, 'model 1')
    assert Record.from_text(record.to_text()) == record


def test_a_record_of_another_format_is_refused():
    texts = {**Record(SUMMARY, 1.0, 2, 7, '').to_text(), 'format': '3'}
    with pytest.raises(ForeignFileError, match='format 3 is unknown, 2 is read'):
        Record.from_text(texts)


def test_a_part_that_ends_before_it_begins():
    with pytest.raises(DemonstrationError, match='frame 7 to 2'):
        Record(SUMMARY, 1.0, 7, 2, '')
