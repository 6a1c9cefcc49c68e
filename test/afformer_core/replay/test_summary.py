# SPDX-License-Identifier: Apache-2.0
"""The numbers and the table of some records."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from afformer_core.replay.replayed_image import ABSTAINED, FOUND, HELD, UNREADABLE, write_table
from afformer_core.replay.summary import distribution, jitter, summarize

NOTHING = {
    'stamp': 10**18, 'state': ABSTAINED, 'presence': 0.9, 'certainty': 0.7, 'confidence': 0.1,
    'feature_similarity': 0.8, 'continuity': 1.0, 'age': 0.0, 'action': 'press', 'restart': '',
    'decode_ms': 1.0, 'predict_ms': 20.0, 'stream_ms': 3.0,
}  # fmt: skip
SEEN = NOTHING | {
    'state': FOUND, 'confidence': 0.5, 'u': 10.0, 'v': 20.0, 'score': 0.5, 'x': 0.0, 'y': 0.1,
    'z': 0.7, 'normal_x': 0.0, 'normal_y': 0.0, 'normal_z': -1.0, 'peak_pixels': 2.5,
    'peak_millimetres': 3.0, 'normal_degrees': 1.0, 'inside': True,
}  # fmt: skip
AGAIN = NOTHING | {
    'state': FOUND, 'stamp': 10**18 + 10**8, 'u': 13.0, 'v': 24.0, 'score': 0.5,
    'problem': 'the depth jumps by 7 mm next to the peak',
}  # fmt: skip
BESIDE = AGAIN | {
    'problem': 'the depth jumps by 34 mm next to the peak', 'peak_pixels': 7.5, 'inside': False
}  # fmt: skip
UNSCORED = dict.fromkeys(('peak_pixels', 'peak_millimetres', 'inside'))
KEPT = SEEN | UNSCORED | {'state': HELD, 'age': 0.1}
BROKEN = {'stamp': 5, 'state': UNREADABLE, 'problem': 'the JPEG lacks its end'}
ROWS = (SEEN, BESIDE, AGAIN, KEPT, NOTHING, BROKEN)


def test_the_summary_counts_states_positions_scores_and_problems() -> None:
    summary = summarize(ROWS, {'bag': 'a'}, ['cut off'], {'continuity': 0.75})
    assert json.loads(json.dumps(summary)) == summary
    assert summary['facts'] == {'bag': 'a'}
    assert summary['images'] == 6
    assert summary['states'] == {FOUND: 3, HELD: 1, ABSTAINED: 1, UNREADABLE: 1}
    assert (summary['positions'], summary['inside_outline']) == (2, 0.5)
    assert summary['scores']['peak_pixels'] == {
        'count': 2, 'median': 5.0, 'p95': 7.25, 'mean': 5.0, 'maximum': 7.5,
    }  # fmt: skip
    assert summary['scores']['peak_millimetres']['count'] == 1
    assert summary['distance_m']['median'] == 0.7
    assert summary['presence']['median'] == 0.9
    assert (summary['milliseconds']['total']['median'], summary['notes']) == (24.0, ['cut off'])
    assert summary['milliseconds']['predict']['count'] == 5
    assert summary['thresholds'] == {'continuity': 0.75}
    # Those that differ in numbers are one.
    assert summary['problems'] == [
        {'example': 'the depth jumps by 34 mm next to the peak', 'count': 2},
        {'example': 'the JPEG lacks its end', 'count': 1},
    ]


def test_jitter_is_between_neighbours_that_were_seen() -> None:
    assert jitter(ROWS) == [5.0, 0.0]
    assert jitter((SEEN, BESIDE | {'restart': 'another scene'})) == []


def test_a_distribution_leaves_out_what_is_unknown() -> None:
    assert distribution([None, float('inf')]) is None
    known = distribution([None, 2.0])
    assert known == pytest.approx(
        {'count': 1, 'median': 2.0, 'p95': 2.0, 'mean': 2.0, 'maximum': 2.0}
    )


def test_the_table_has_a_line_an_image(tmp_path: Path) -> None:
    write_table(tmp_path / 'a.csv', [SEEN | {'score': 0.25, 'restart': 'why'}, BROKEN])
    assert (tmp_path / 'a.csv').read_text() == (
        'stamp,state,presence,certainty,confidence,feature_similarity,continuity,age,action,'
        'u,v,score,x,y,z,normal_x,normal_y,normal_z,problem,restart,peak_pixels,peak_millimetres,'
        'normal_degrees,inside,decode_ms,predict_ms,stream_ms\n'
        '1000000000000000000,found,0.9,0.7,0.5,0.8,1,0,press,10,20,0.25,0,0.1,0.7,'
        '0,0,-1,,why,2.5,3,1,true,1,20,3\n'
        '5,unreadable,,,,,,,,,,,,,,,,,the JPEG lacks its end,,,,,,,,\n'
    )
    with (tmp_path / 'a.csv').open(newline='') as file:
        assert [row['state'] for row in csv.DictReader(file)] == [FOUND, UNREADABLE]
