# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np
import pytest

from afformer_core.data.sample import Sample
from afformer_core.evaluation.protocols import RowsProtocol


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
    truth = protocol.truths(rows)
    assert truth.shape == (1, 64, 32)
    assert np.unravel_index(truth[0].argmax(), (64, 32)) == (16, 16)


@pytest.mark.parametrize('size', [(32, 32), (64, 64), (128, 96)])
def test_prediction_is_resampled_and_sums_to_one(size):
    heatmap = np.zeros(size, np.float32)
    heatmap[size[0] // 2 :, :] = 1
    prediction = RowsProtocol((64, 64)).prediction(heatmap)
    assert prediction.shape == (64, 64)
    assert prediction.sum() == pytest.approx(1, abs=1e-5)
    assert prediction[33:].sum() > 0.95


def test_name_says_the_size():
    assert RowsProtocol((192, 256)).name == 'rows256x192'
