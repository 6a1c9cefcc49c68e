# SPDX-License-Identifier: Apache-2.0
"""The protocol of earlier work: rows of an image and an action, and maps of 28x28."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.data.heatmaps import summed_heatmaps
from afformer_core.data.sample import Sample
from afformer_core.evaluation.pooled_protocol import PooledProtocol

# What OpenCV blurs five pixels with.
KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def sample(
    image: str, actions: tuple[int, ...], *points: tuple[float, float], width: int = 512
) -> Sample:
    places = tuple(np.array([point]) for point in points)
    return Sample(image, Path('a.mp4'), Path(image), (width, 256), actions, places)


def test_rows_are_of_an_image_and_an_action_with_all_of_their_points() -> None:
    rows = PooledProtocol().rows(
        [
            sample('a.jpg', (3, 1), (100, 50), (20, 30)),
            sample('b.jpg', (3,), (4, 4)),
            sample('a.jpg', (3,), (200, 60)),
        ]
    )
    assert [(row.image, row.action) for row in rows] == [('a.jpg', 3), ('a.jpg', 1), ('b.jpg', 3)]
    # In pixels of 256x256.
    assert rows[0].points.tolist() == [[50, 50], [100, 60]]
    assert {row.image_size for row in rows} == {(256, 256)}
    assert [row.group for row in rows] == ['a.jpg', 'a.jpg', 'b.jpg']


def test_rows_without_a_point_inside_are_left_out_where_that_is_asked() -> None:
    samples = [
        sample('a.jpg', (0, 1), (-20, 50), (-1, 50)),
        sample('b.jpg', (0, 1), (511.5, 255.5), (256, 256)),
    ]
    kept = PooledProtocol(without_empty=True).rows(samples)
    assert [(row.image, row.action) for row in kept] == [('a.jpg', 1), ('b.jpg', 0)]
    assert len(PooledProtocol().rows(samples)) == 4


def test_names_and_epsilon() -> None:
    assert PooledProtocol().name == 'pooled28'
    assert PooledProtocol(without_empty=True).name == 'pooled28-noempty'
    assert PooledProtocol.epsilon == 1e-12
    assert PooledProtocol.size == (28, 28)
    assert not PooledProtocol.tells_demonstrations_apart


def test_truths_are_brought_to_224_and_from_there_to_28() -> None:
    protocol = PooledProtocol()
    rows = protocol.rows([sample('a.jpg', (0,), (123, 77))])
    blurred = summed_heatmaps(rows[0].points, (256, 256))
    between = cv2.resize(blurred, (224, 224), interpolation=cv2.INTER_LINEAR)
    small = cv2.resize(between, (28, 28), interpolation=cv2.INTER_LINEAR)
    (truth,) = protocol.truths(rows)
    assert truth.sum() == pytest.approx(1, abs=1e-5)
    assert truth == pytest.approx(small / small.sum(), abs=1e-7)


def test_a_truth_without_a_point_inside_is_uniform() -> None:
    protocol = PooledProtocol()
    (truth,) = protocol.truths(protocol.rows([sample('a.jpg', (0,), (-90, 50))]))
    assert truth == pytest.approx(np.full((28, 28), 1 / 784))


def test_predictions_are_blurred_by_five_pixels_and_sum_to_one() -> None:
    heatmap = np.zeros((28, 28), np.float32)
    heatmap[10, 20] = 7
    prediction = PooledProtocol().prediction(heatmap)
    assert prediction[8:13, 18:23] == pytest.approx(np.outer(KERNEL, KERNEL), abs=1e-6)
    assert prediction.sum() == pytest.approx(1, abs=1e-5)


def test_beyond_the_border_there_is_nothing() -> None:
    heatmap = np.zeros((28, 28), np.float32)
    heatmap[0, 0] = 1
    inside = np.outer(KERNEL[2:], KERNEL[2:])
    prediction = PooledProtocol().prediction(heatmap)
    assert prediction[:3, :3] == pytest.approx(inside / inside.sum(), abs=1e-6)


def test_predictions_of_any_size_are_resampled() -> None:
    heatmap = np.zeros((56, 56), np.float32)
    heatmap[20:22, 40:42] = 1
    prediction = PooledProtocol().prediction(heatmap)
    assert np.unravel_index(prediction.argmax(), (28, 28)) == (10, 20)
    assert prediction[10, 20] == pytest.approx((6 / 16) ** 2, abs=1e-6)
