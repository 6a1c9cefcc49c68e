# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.polygon_mask import PolygonMask
from afformer_core.offline.data.sample import KnownElements, Sample
from afformer_core.offline.evaluation.metrics.peak_measures import (
    best_positions,
    distances,
    in_region,
    measure_peaks,
)
from afformer_core.offline.evaluation.protocols.protocols import ProtocolRow, RowsProtocol

# The diagonal of 80x60 is 100 pixels, so that pixels are percent.
SIZE = (80, 60)
PROTOCOL = RowsProtocol((60, 80))


def row(*points, size=SIZE):
    return ProtocolRow(0, 'a', np.array(points, float), size)


def measured(row, position):
    return measure_peaks([row], PROTOCOL.targets([row]), [np.array([position], float)])


def test_error_is_to_the_nearest_point_in_percent_of_the_diagonal():
    scores = measured(row((10, 10), (40, 30)), (43, 34))
    assert scores.error == pytest.approx([5])


def test_error_does_not_depend_on_the_size_of_the_image():
    scores = measured(row((100, 100), (400, 300), size=(800, 600)), (430, 340))
    assert scores.error == pytest.approx([5])


# The blur is 3.5 pixels, half of it is reached after 1.18 of them.
@pytest.mark.parametrize(('x', 'hit'), [(40, 1), (43, 1), (46, 0)])
def test_hit_is_where_the_target_is_above_half_of_its_maximum(x, hit):
    assert measured(row((40, 30)), (x, 30)).hit.tolist() == [hit]


def test_region_of_an_annotation_of_another_size():
    wide = row((400, 300), size=(800, 600))
    target = PROTOCOL.targets([wide])[0]
    found = in_region(target, wide, np.array([[400, 300], [430, 300], [460, 300], [799, 599]]))
    assert found.tolist() == [True, True, False, False]


def test_points_outside_do_not_count():
    scores = measured(row((40, 30), (-20, 30)), (5, 30))
    assert scores.error == pytest.approx([35])
    alone = measured(row((-20, 30)), (5, 30))
    assert np.isnan([alone.hit, alone.error]).all()
    assert not np.isnan(alone.position).any()


def test_the_best_position_is_the_middle_of_the_highest_pixel():
    heatmap = np.zeros((30, 40), np.float32)
    heatmap[10, 20] = 1
    assert best_positions(heatmap, row((0, 0))).tolist() == [[40.5, 20.5]]


def test_a_flat_heatmap_is_given_what_a_guess_would_get():
    one = row((39.5, 29.5))
    target = PROTOCOL.targets([one])
    flat = best_positions(np.ones((60, 80), np.float32), one)
    scores = measure_peaks([one], target, [flat])
    assert np.isnan(scores.position).all()
    assert scores.hit == pytest.approx([(target > target.max() / 2).mean()])
    every = np.hypot(*np.meshgrid(np.arange(80) - 39.5, np.arange(60) - 29.5))
    assert scores.error == pytest.approx([every.mean()], rel=1e-3)


def test_flat_heatmaps_that_are_large_are_measured_evenly():
    one = ProtocolRow(0, 'a', np.array([[127.5, 127.5]]), (256, 256))
    flat = best_positions(np.ones((256, 256), np.float32), one)
    target = RowsProtocol().targets([one])
    scores = measure_peaks([one], target, [flat])
    assert scores.hit == pytest.approx([(target > target.max() / 2).mean()], rel=0.02)
    side = np.arange(256) - 127.5
    expected = 100 * np.hypot(*np.meshgrid(side, side)).mean() / np.hypot(256, 256)
    assert scores.error == pytest.approx([expected], rel=1e-3)


def test_a_few_pixels_that_are_as_high_are_one_peak():
    positions = np.array([[40.0, 30], [41, 30], [40, 31], [41, 31]])
    one = row((40, 30))
    scores = measure_peaks([one], PROTOCOL.targets([one]), [positions])
    assert scores.position.tolist() == [[40, 30]]
    assert scores.error.tolist() == [0]


def box(x, y):
    return np.array([[x - 4, y - 4], [x + 4, y - 4], [x + 4, y + 4], [x - 4, y + 4]], float)


@pytest.mark.parametrize(
    ('peak', 'inside', 'nearest'), [((20, 30), 1, 1), ((35, 30), 0, 1), ((58, 30), 0, 0)]
)
def test_elements(peak, inside, nearest):
    scene = KnownElements('a', 0, (box(20, 30), box(60, 30)), ('button',) * 2, (True,) * 2)
    points = np.array([[20.0, 30.0]])
    sample = Sample('a', Path('a.mp4'), Path('a.jpg'), SIZE, (0,), (points,), scene)
    scores = measured(ProtocolRow(0, 'a', points, SIZE, sample=sample), peak)
    assert (scores.inside[0], scores.nearest[0]) == (inside, nearest)


def test_no_elements():
    scores = measured(row((40, 30)), (40, 30))
    assert np.isnan([scores.inside, scores.nearest]).all()


def test_distances():
    points = np.array([[0.0, 0], [30, 40]])
    found = distances(points, np.array([[3.0, 4], [30, 40], [60, 40]]), SIZE)
    assert found == pytest.approx([5, 0, 30])


@pytest.mark.parametrize(
    ('position', 'hit', 'error'),
    [((20, 20), 1, 0), ((30, 30), 0, 10), ((30, 21.6), 0, 1.5), ((63, 44), 0, 5)],
)
def test_a_mask_says_what_is_hit_and_how_far_it_is(position, hit, error):
    corners = np.array([[10, 10], [60, 10], [60, 40], [10, 40]], float)
    mask = PolygonMask((corners,), (np.array([[20, 20.1], [40, 20.1], [40, 40.1], [20, 40.1]]),))
    points = (mask.even_points(SIZE),)
    sample = Sample('a', Path(), Path(), SIZE, (0,), points, masks=(mask,))
    (masked,) = PROTOCOL.rows([sample])

    scores = measured(masked, position)

    assert (scores.hit.tolist(), scores.error) == ([hit], pytest.approx([error], abs=0.11))


# The blur of a mask of 4 pixels reaches further than the mask.
@pytest.mark.parametrize(('x', 'hit'), [(41, 1), (43, 0)])
def test_beside_a_small_mask_there_is_no_hit(x, hit):
    mask = PolygonMask.of_boxes(np.array([[38, 28, 42, 32]], float))
    sample = Sample('a', Path(), Path(), SIZE, (0,), (mask.even_points(SIZE),), masks=(mask,))
    (masked,) = PROTOCOL.rows([sample])

    assert measured(masked, (x, 30)).hit.tolist() == [hit]
