# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from afformer_core.geometry.surface import SurfacePoint
from afformer_core.outputs.grounding_overlay import caption, draw_grounding
from afformer_core.outputs.results import SpatialView, StreamedGrounding
from afformer_core.runtime import Grounding, Peak

IMAGE = np.zeros((480, 640, 3), np.uint8)
NO_DEPTH = SurfacePoint.unknown('no depth is received')
NEAR = SurfacePoint(np.array([0.0, 0.0, 0.62]), np.eye(3), None, '')


def _result(surface=NO_DEPTH, **fields):
    heatmap = np.zeros((480, 640), np.float32)
    heatmap[200, 100] = 1
    values = {
        'demonstration': 'coffee',
        'grounding': Grounding(
            heatmap, heatmap.shape, {'press': 0.75}, (Peak(100, 200, 0.5),), 0.5, 0.875
        ),
        'found': True,
        'confidence': 0.5,
        'feature_similarity': 0.875,
        'continuity': 1.0,
        'age': 0.0,
        'surfaces': (surface,),
        'view': SpatialView(None, None, 'no depth is received'),
        'restart': '',
        'stamp': 0,
    }
    return StreamedGrounding(**{**values, **fields})


def _certain(certainty, **fields):
    result = _result(presence=0.75, presence_threshold=0.5, **fields)
    grounding = replace(result.grounding, certainty=certainty, certainty_threshold=0.63)
    return replace(result, grounding=grounding)


@pytest.mark.parametrize(
    ('fields', 'text'),
    [
        ({}, 'press 0.75, confidence 0.50, feature similarity 0.88'),
        ({'age': 0.25}, 'press 0.75, held for 0.2 s (confidence 0.50, feature similarity 0.88)'),
        ({'found': False}, 'not found (confidence 0.50, feature similarity 0.88)'),
        ({'presence': 0.75}, 'press 0.75, presence 0.75'),
        ({'presence': 0.25, 'age': 0.25}, 'press 0.75, held for 0.2 s (presence 0.25)'),
        (
            {'presence': 0.25, 'found': False},
            'not found (presence 0.25, at least 0.50 is needed)',
        ),
        ({'presence': 0.75, 'found': False}, 'not found (presence 0.75, but continuity 1.00)'),
    ],
)
def test_the_caption_says_what_it_is(fields, text):
    threshold = 0.5 if 'presence' in fields else None
    assert caption(_result(presence_threshold=threshold, **fields)) == text


@pytest.mark.parametrize(
    ('certainty', 'fields', 'text'),
    [
        (0.71, {}, 'press 0.75, presence 0.75, certainty 0.71'),
        (0.41, {}, 'press 0.75, presence 0.75, not sure which part: certainty 0.41 of 0.63'),
        (
            0.41,
            {'age': 0.25},
            'press 0.75, held for 0.2 s '
            '(presence 0.75, not sure which part: certainty 0.41 of 0.63)',
        ),
        (0.41, {'found': False}, 'not found (presence 0.75, but continuity 1.00)'),
    ],
)
def test_the_caption_tells_the_certainty_of_what_is_found(certainty, fields, text):
    assert caption(_certain(certainty, **fields)) == text


def test_an_unsure_point_is_drawn_as_a_question():
    sure, unsure = (draw_grounding(IMAGE, _certain(one), 0.0) for one in (0.63, 0.41))
    assert sure[200, 111].tolist() == [0, 230, 255]
    assert unsure[200, 111].tolist() == [255, 255, 255]
    single = _certain(0.41).grounding
    assert single.draw(IMAGE, 0.0)[200, 111].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ('age', 'text'),
    [
        (0.0, 'confidence 0.50, feature similarity 0.88'),
        (0.25, 'held for 0.2 s (confidence 0.50, feature similarity 0.88)'),
    ],
)
def test_a_model_without_actions_names_none(age, text):
    result = _result(age=age)
    grounding = replace(result.grounding, action_scores={})
    assert caption(replace(result, grounding=grounding)) == text


def test_held_results_are_framed():
    assert draw_grounding(IMAGE, _result(age=0.25), 0.5)[-1, 320].tolist() == [255, 176, 0]
    assert draw_grounding(IMAGE, _result(), 0.5)[-1, 320].tolist() == [0, 0, 0]


def test_an_abstention_marks_no_peak():
    image = draw_grounding(IMAGE, _result(found=False), 0.0)
    assert not image[150:250, 50:200].any()
    assert draw_grounding(IMAGE, _result(), 0.0)[150:250, 50:200].any()


def test_the_distance_of_a_peak_is_shown():
    plain, near = (draw_grounding(IMAGE, _result(surface), 0.0) for surface in (NO_DEPTH, NEAR))
    assert (plain != near)[170:200, 120:200].any()
