# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.media.images import read_image
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.sample import KnownElements, Sample
from afformer_core.offline.evaluation.baselines import uniform
from afformer_core.offline.evaluation.metrics import score
from afformer_core.offline.evaluation.protocols import RowsProtocol
from afformer_core.offline.evaluation.report.qualitative_examples import (
    MeasuredRows,
    best_and_worst_examples,
    choose,
)
from afformer_core.offline.evaluation.report.tiles import (
    TILE_SIDE,
    fit,
    mark_annotation,
    mark_peak,
)

PROTOCOL = RowsProtocol((24, 32))


def measured(samples, predictor=None, answers=()):
    rows = PROTOCOL.rows(samples)
    predictor = predictor or uniform(PROTOCOL.size)
    scores = score(PROTOCOL, rows, {'one': predictor}, progress=False)['one']
    return MeasuredRows(PROTOCOL, rows, scores, predictor, ('hold', 'touch'), answers)


def best(*models):
    named = {f'model {number}': one for number, one in enumerate(models)}
    return next(iter(best_and_worst_examples(named, progress=False).values()))[0]


@pytest.mark.parametrize(
    ('klds', 'best', 'median', 'worst'),
    [
        ([5.0, 1.0, 4.0, 2.0, 3.0, 0.0], [5, 1], [3, 4], [0, 2]),
        ([1.0, float('inf'), 0.5], [2], [0], [1]),
        ([1.0], [0], [0], [0]),
    ],
)
def test_chosen_rows(klds, best, median, worst):
    assert choose(klds, 2) == {'best': best, 'median': median, 'worst': worst}


def test_frames_image_prediction_and_target_are_shown(opra):
    sample = open_annotations(opra)[2]
    shown = best(measured([sample]))
    assert shown.title == 'test/2, hold'
    assert [frame.shape for frame in shown.frames] == [(120, 160, 3)] * 4
    for image in (shown.predicted['model 0'], shown.target):
        assert image.shape == (240, 320, 3)
    alone = fit(read_image(sample.image_path), TILE_SIDE)
    assert shown.target[120, 249].tolist() != alone[120, 249].tolist()


def test_heatmaps_are_shown_alone_where_there_are_no_media(opra):
    gone = replace(
        open_annotations(opra)[0],
        image_path=Path('gone.jpg'),
        video_path=Path('gone.mp4'),
        image_size=(30, 60),
        points=(np.array([[25.0, 50.0]]),),
    )
    shown = best(measured([gone]))
    assert shown.frames == ()
    # In the shape of the annotated image.
    (predicted,) = shown.predicted.values()
    assert predicted.shape == shown.target.shape == (320, 160, 3)
    # Uniform is bright all over, the target at its point.
    assert predicted.min(axis=2).min() > 100
    assert shown.target[5, 5].max() < 30


def test_measures_are_told(opra):
    samples = open_annotations(opra)[:1]
    flat = best(measured(samples))
    assert flat.measures[0].startswith('KLD ')
    assert flat.measures[3:] == ('no peak',)

    def right(index, row):
        return PROTOCOL.targets([row])[0]

    answered = measured(samples, right, ['says hold (0.70)'])
    shown = best(answered)
    assert shown.measures[0] == 'KLD 0.00'
    assert shown.measures[3] == 'hit'
    assert shown.measures[4].startswith('peak error ')
    assert shown.measures[5] == 'says hold (0.70)'


def test_of_several_models_the_rows_are_shown_in_which_the_last_is_better(opra):
    samples = open_annotations(opra)[:3]
    flat = uniform(PROTOCOL.size)

    def right_once(index, row):
        return PROTOCOL.targets([row])[0] if index == 1 else flat(index, row)

    shown = best(measured(samples), measured(samples, right_once))
    assert shown.title == 'test/1, touch'
    assert list(shown.predicted) == ['model 0', 'model 1']
    assert shown.measures[1] == 'model 1: KLD 0.00'


def test_a_peak_is_marked_where_it_is():
    (row,) = measured([sample()]).rows
    tile = np.zeros((120, 160, 3), np.uint8)
    mark_peak(tile, np.array([60.0, 20.0]), row)
    rows, columns = np.nonzero(tile.max(2))
    assert (columns.mean(), rows.mean()) == pytest.approx((121, 41), abs=1)
    marked = tile.copy()
    mark_peak(tile, np.array([np.nan, np.nan]), row)
    assert np.array_equal(tile, marked)


def test_the_outline_of_the_demonstrated_element_is_in_colour():
    boxes = tuple(
        np.array([[x - 5, 25], [x + 5, 25], [x + 5, 35], [x - 5, 35]], float) for x in (20, 60)
    )
    scene = KnownElements('panel', 1, boxes, ('button',) * 2, (True,) * 2)
    (row,) = measured([replace(sample(), scene=scene)]).rows
    tile = np.full((120, 160, 3), 90, np.uint8)
    mark_annotation(tile, row)
    assert tile[61, 111].tolist() == [0, 230, 255]
    assert tile[61, 31].min() > 150
    assert tile[61, 41].tolist() == [90, 90, 90]


def sample():
    points = np.array([[60.0, 20.0]])
    return Sample('s', Path('gone.mp4'), Path('gone.jpg'), (80, 60), (0,), (points,))
