# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols.protocols import RowsProtocol


def sample(actions, points, size=(256, 256), image='a.jpg'):
    return Sample(
        'x', Path('clip.mp4'), Path(image), size, actions, tuple(np.array(p) for p in points)
    )


def test_a_row_for_every_distinct_action_with_its_points_pooled():
    one, two, three = [[10.0, 20.0]], [[30.0, 40.0]], [[50.0, 60.0]]
    rows = RowsProtocol().rows([sample((4, 1, 4), (one, two, three)), sample((2,), (one,))])
    assert [row.action for row in rows] == [4, 1, 2]
    assert rows[0].points.tolist() == [[10, 20], [50, 60]]


def test_group_is_the_image():
    rows = RowsProtocol().rows([sample((0,), ([[1.0, 2.0]],), image='b.jpg')])
    assert rows[0].group == 'b.jpg'


def test_points_are_scaled_to_the_protocol_separately_by_axis():
    protocol = RowsProtocol((64, 32))
    rows = protocol.rows([sample((0,), ([[320.0, 120.0]],), (640, 480))])
    target = protocol.targets(rows)
    assert target.shape == (1, 64, 32)
    assert np.unravel_index(target[0].argmax(), (64, 32)) == (16, 16)


@pytest.mark.parametrize('size', [(32, 32), (64, 64), (128, 96)])
def test_prediction_is_resampled_and_sums_to_one(size):
    heatmap = np.zeros(size, np.float32)
    heatmap[size[0] // 2 :, :] = 1
    prediction = RowsProtocol((64, 64)).prediction(heatmap)
    assert prediction.shape == (64, 64)
    assert prediction.sum() == pytest.approx(1, abs=1e-5)
    assert prediction[33:].sum() > 0.95


@pytest.mark.parametrize(
    ('protocol', 'name'),
    [
        (RowsProtocol((192, 256)), 'rows256x192'),
        (RowsProtocol(), 'rows256'),
        (RowsProtocol(offset=1e-6), 'rows256-1e6'),
    ],
)
def test_name_says_size_and_offset(protocol, name):
    assert protocol.name == name
    assert protocol.epsilon == 0
    assert not protocol.at_model_size


def test_smaller_predictions_are_means_of_their_pixels():
    heatmap = np.array([[1, 3, 0, 0], [5, 7, 0, 0]], np.float32)
    assert RowsProtocol((1, 2)).prediction(heatmap).tolist() == [[1, 0]]
    uneven = RowsProtocol((1, 2)).prediction(np.array([[1, 2, 3, 6]], np.float32))
    assert uneven == pytest.approx(np.array([[0.25, 0.75]]))


def test_larger_predictions_are_interpolated():
    larger = RowsProtocol((1, 4)).prediction(np.array([[1, 3]], np.float32))
    assert larger == pytest.approx(np.array([[1, 1.5, 2.5, 3]]) / 8)


def test_what_is_larger_on_one_side_alone_is_averaged():
    found = RowsProtocol((2, 2)).prediction(np.array([[1, 3, 0, 0]], np.float32))
    assert found == pytest.approx(np.array([[0.5, 0], [0.5, 0]]))


def test_the_offset_is_what_a_map_has_far_from_its_points():
    low, high = (RowsProtocol((64, 64), offset=offset) for offset in (1e-12, 1e-6))
    rows = low.rows([sample((0,), ([[0.0, 0.0]],), (64, 64))])
    assert 1e-13 < low.targets(rows)[0, -1, -1] < 1e-11
    assert 1e-7 < high.targets(rows)[0, -1, -1] < 1e-5
