# SPDX-License-Identifier: Apache-2.0
"""Literal readings of drawn clips against literal marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afformer_core.media.video import write_video
from afformer_core.offline.data.readers.contact_clips import ContactClip
from afformer_core.offline.data.readers.part_pairs import ClipPoint
from afformer_core.offline.evaluation.parts.clips import Clip
from afformer_core.offline.evaluation.parts.contact_scores import measure_contacts
from afformer_core.offline.evaluation.parts.part_tables import contact_tables
from afformer_core.offline.evaluation.parts.predictors import ClipContact

# Of 64x48, whose diagonal is 80: 2.5 % of it are 2 pixels, 5 % are 4.
CLOSE, NEAR, OTHER, WRONG = (21, 11), (23, 11), (43, 33), (60, 5)


class Reader:
    """Reads of each clip what is said of its name."""

    def __init__(self, moment: float | None = None) -> None:
        self.moment = moment

    def read_contact(self, clip: Clip) -> ClipContact:
        x, y = {'close': CLOSE, 'near': NEAR, 'other': OTHER, 'wrong': WRONG}[clip.name]
        point = ((x + 0.5) / 64, (y + 0.5) / 48)
        return ClipContact(point, self.moment, (point, (0.9, 0.9), (0.8, 0.9), point, (0.3, 0.2)))


@pytest.fixture
def clips(tmp_path: Path) -> list[ContactClip]:
    """Four clips of two sources, touched at (20, 10) and by the other hand at (42, 31)."""
    write_video(tmp_path / 'clip.mp4', np.full((12, 48, 64, 3), 90, np.uint8), 10.0, 0)
    return [
        ContactClip(
            name,
            tmp_path / 'clip.mp4',
            ClipPoint(7, 25.0, 12.0),
            ClipPoint(0, 20.0, 10.0),
            (ClipPoint(3, 42.0, 31.0), ClipPoint(5, 1.0, 1.0)),
            rate,
            source,
            name,
        )
        for name, rate, source in (
            ('close', 10.0, 'a/kitchens'),
            ('near', 20.0, 'a/kitchens'),
            ('other', 10.0, 'b/workshops'),
            ('wrong', None, 'a/kitchens'),
        )
    ]


def test_readings_are_scored_by_their_distance_from_the_mark(clips) -> None:
    measured = measure_contacts(clips, lambda: {'model': Reader()}, 4)
    scores = [measured['by_clip'][clip.name]['model'] for clip in clips]
    assert [(one['close'], one['near'], one['other_hand']) for one in scores] == [
        (1, 1, 0),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 0),
    ]
    # The fifth candidate is at (18.7, 9.1).
    assert [(one['of_3'], one['of_5']) for one in scores] == [(1, 1), (1, 1), (0, 1), (0, 1)]
    assert scores[0]['distance'] == pytest.approx(100 * np.hypot(1, 1) / 80)
    assert (scores[1]['point_x'], scores[1]['point_y']) == pytest.approx((23, 11))


def test_what_is_near_both_hands_is_right(clips) -> None:
    both = ContactClip(
        'near', clips[0].path, ClipPoint(7, 20, 10), other_hand=(ClipPoint(7, 23, 11),)
    )
    scores = measure_contacts([both], lambda: {'model': Reader()}, 4)['by_clip']
    assert (scores['near']['model']['near'], scores['near']['model']['other_hand']) == (1, 0)


def test_means_are_over_all_clips_and_over_those_of_a_source(clips) -> None:
    measured = measure_contacts(clips, lambda: {'model': Reader()}, 4, 3)
    model, centre = measured['readers']['model'], measured['readers']['centre']
    assert (model['clips'], model['close'].value, model['near'].value) == (4, 0.25, 0.5)
    assert model['other_hand'].value == 0.25
    assert (model['of_3'].value, model['of_5'].value) == (0.5, 1)
    assert (centre['near'].value, centre['of_3']) == (0, None)
    of_kitchens = measured['by_source']['a/kitchens']['model']
    assert (of_kitchens['clips'], of_kitchens['near'].value) == (3, pytest.approx(2 / 3))
    assert measured['left_out'] == 3


def test_the_moment_is_measured_in_seconds_where_a_model_tells_it(clips) -> None:
    measured = measure_contacts(clips, lambda: {'model': Reader(0.55)}, 4)
    # Touched after 0.7, 0.35, 0.7 and an unknown number of seconds.
    errors = [measured['by_clip'][clip.name]['model']['moment_error'] for clip in clips]
    assert errors == [*map(pytest.approx, (0.15, 0.2, 0.15)), None]
    assert measured['readers']['model']['moment_error'].value == pytest.approx(0.15)
    assert measured['readers']['centre']['moment_error'] is None


def test_tables_say_where_no_moment_is_told(clips) -> None:
    measured = measure_contacts(clips, lambda: {'model': Reader()}, 4, 3)
    table, by_source = contact_tables(measured, {'model': 'the model'})
    assert table.title == 'Contact in 4 clips'
    assert table.rows['the model'][-1] == 'not predicted'
    assert table.rows['centre of the frame'][-1] is None
    assert list(table.rows) == ['the model', 'centre of the frame']
    assert table.notes[1] == '3 clips that are also clips of pairs are left out.'
    assert list(by_source.rows) == ['a/kitchens (3)', 'b/workshops (1)']
