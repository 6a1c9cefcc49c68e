# SPDX-License-Identifier: Apache-2.0
"""The numbers and the table of some records."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.replay.replayed_image import (
    ABSTAINED,
    FOUND,
    HELD,
    UNREADABLE,
    ImageScores,
    ReplayedImage,
)
from afformer_core.replay.summary import Distribution, Problem, jitter, summarize
from afformer_core.replay.table import write_table

STAGES = {'decode': 1.0, 'predict': 20.0, 'stream': 3.0, 'messages': 6.0}
SEEN = ReplayedImage(
    stamp=10**18, time=10**18 + 5, state=FOUND, presence=0.9, certainty=0.7,
    confidence=0.5, feature_similarity=0.8,
    continuity=1.0, age=0.0, action='press', peak=(10.0, 20.0, 0.5),
    position=np.array([0.0, 0.1, 0.7]), normal=np.array([0.0, 0.0, -1.0]), restart='',
    problem='', milliseconds=STAGES,
    scores=ImageScores(2.5, 3.0, 1.0, True),
)  # fmt: skip
BESIDE = replace(
    SEEN, stamp=10**18 + 10**8, time=10**18 + 10**8, peak=(13.0, 24.0, 0.5), position=None,
    normal=None, problem='the depth jumps by 34 mm next to the peak',
    scores=ImageScores(7.5, None, None, False),
)  # fmt: skip
AGAIN = replace(BESIDE, problem='the depth jumps by 7 mm next to the peak', scores=None)
KEPT = replace(SEEN, state=HELD, age=0.1, presence=0.2, confidence=0.1, scores=None)
NOTHING = replace(
    SEEN, state=ABSTAINED, peak=None, position=None, normal=None, scores=None, confidence=0.1
)
BROKEN = replace(
    NOTHING,
    state=UNREADABLE,
    presence=None,
    certainty=None,
    problem='the JPEG lacks its end',
    milliseconds={},
    action='',
)
ROWS = (SEEN, BESIDE, AGAIN, KEPT, NOTHING, BROKEN)
LEAST = {'presence': 0.37, 'continuity': 0.75}


def test_states_positions_and_scores_are_counted() -> None:
    summary = summarize(ROWS, {'bag': 'a'}, [], {})
    assert dict(summary.states) == {FOUND: 3, HELD: 1, ABSTAINED: 1, UNREADABLE: 1}
    assert summary.positions == 2
    assert summary.inside == 0.5
    assert summary.scores['peak_pixels'] == Distribution(2, 5.0, 7.25, 5.0, 7.5)
    assert summary.scores['peak_millimetres'].count == 1
    assert summary.stages['total'].median == 30.0
    assert summary.stages['total'].count == 5


def test_problems_that_differ_in_numbers_are_one() -> None:
    assert summarize(ROWS, {}, [], {}).problems == (
        Problem('the depth jumps by 34 mm next to the peak', 2),
        Problem('the JPEG lacks its end', 1),
    )


def test_jitter_is_between_neighbours_that_were_seen() -> None:
    assert jitter(ROWS) == [None, 5.0, 0.0, None, None, None]
    assert jitter((SEEN, replace(BESIDE, restart='another scene'))) == [None, None]


def test_a_distribution_leaves_out_what_is_unknown() -> None:
    assert Distribution.of([None, float('inf')]) is None
    assert Distribution.of([None, 2.0]) == Distribution(1, 2.0, 2.0, 2.0, 2.0)


def test_the_json_holds_no_numpy(tmp_path: Path) -> None:
    import json

    content = json.loads(json.dumps(summarize(ROWS, {'bag': 'a'}, ['cut off'], LEAST).to_json()))
    assert content['images'] == 6
    assert content['states'] == {'found': 3, 'held': 1, 'abstained': 1, 'unreadable': 1}
    assert content['notes'] == ['cut off']
    assert content['thresholds'] == {'presence': 0.37, 'continuity': 0.75}
    assert content['presence']['median'] == 0.9


def test_the_table_has_a_line_an_image(tmp_path: Path) -> None:
    write_table(tmp_path / 'a.csv', ROWS)
    with (tmp_path / 'a.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['state'] for row in rows] == [replayed.state for replayed in ROWS]
    assert rows[0]['stamp'] == '1000000000000000000'
    assert (rows[0]['u'], rows[0]['z'], rows[0]['inside']) == ('10', '0.7', 'true')
    assert (rows[0]['presence'], rows[5]['presence']) == ('0.9', '')
    assert (rows[0]['certainty'], rows[5]['certainty']) == ('0.7', '')
    assert (rows[1]['z'], rows[1]['problem']) == ('', BESIDE.problem)
    assert (rows[4]['found'], rows[4]['u']) == ('false', '')
    assert rows[5]['predict_ms'] == ''


def test_every_column_of_an_image(tmp_path: Path) -> None:
    write_table(tmp_path / 'a.csv', [replace(SEEN, peak=(10.0, 20.0, 0.25), restart='why')])
    assert (tmp_path / 'a.csv').read_text() == (
        'stamp,state,found,presence,certainty,confidence,feature_similarity,continuity,age,action,'
        'u,v,score,x,y,z,normal_x,normal_y,normal_z,problem,restart,peak_pixels,peak_millimetres,'
        'normal_degrees,inside,decode_ms,predict_ms,stream_ms,messages_ms\n'
        '1000000000000000000,found,true,0.9,0.7,0.5,0.8,1,0,press,10,20,0.25,0,0.1,0.7,'
        '0,0,-1,,why,2.5,3,1,true,1,20,3,6\n'
    )


def test_a_row_cannot_contradict_itself() -> None:
    with pytest.raises(ValueError, match='abstained has the peak'):
        replace(SEEN, state=ABSTAINED)
