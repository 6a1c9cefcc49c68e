# SPDX-License-Identifier: Apache-2.0
"""Rows, ground truths and predictions of each protocol."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.sample import KnownElements, Sample
from afformer_core.offline.evaluation.protocols import (
    ButtonsProtocol,
    CoarseRowsProtocol,
    PooledProtocol,
    ProtocolRow,
    RowsProtocol,
)


def sample(actions, points, size=(256, 256), image='a.jpg'):
    return Sample(
        'x', Path('clip.mp4'), Path(image), size, actions, tuple(np.array(p) for p in points)
    )


def test_a_row_for_every_distinct_action_with_its_points_pooled():
    one, two, three = [[10.0, 20.0]], [[30.0, 40.0]], [[50.0, 60.0]]
    rows = RowsProtocol().rows([sample((4, 1, 4), (one, two, three)), sample((2,), (one,))])
    assert [row.action for row in rows] == [4, 1, 2]
    assert rows[0].points.tolist() == [[10, 20], [50, 60]]


def test_points_are_scaled_to_the_protocol_separately_by_axis():
    protocol = RowsProtocol((64, 32))
    rows = protocol.rows([sample((0,), ([[320.0, 120.0]],), (640, 480))])
    target = protocol.targets(rows)
    assert target.shape == (1, 64, 32)
    assert np.unravel_index(target[0].argmax(), (64, 32)) == (16, 16)


@pytest.mark.parametrize(
    ('protocol', 'name'),
    [
        (RowsProtocol((192, 256)), 'rows256x192'),
        (RowsProtocol(), 'rows256'),
        (ButtonsProtocol(), 'buttons'),
        (CoarseRowsProtocol(), 'rows28'),
        (PooledProtocol(), 'pooled28'),
    ],
)
def test_name_says_size_and_offset(protocol, name):
    assert protocol.name == name
    is_coarse = '28' in name
    assert protocol.epsilon == (1e-12 if is_coarse else 0)
    assert protocol.at_model_size == is_coarse
    assert protocol.size == (28, 28) or not is_coarse


@pytest.mark.parametrize(
    ('heatmap', 'expected'),
    [
        # Smaller ones are means of their pixels.
        ([[1, 3, 0, 0], [5, 7, 0, 0]], [[1, 0]]),
        ([[1, 2, 3, 6]], [[0.25, 0.75]]),
        # Larger ones are interpolated.
        ([[1, 3]], [[1 / 8, 1.5 / 8, 2.5 / 8, 3 / 8]]),
        # What is larger on one side alone is averaged.
        ([[1, 3, 0, 0]], [[0.5, 0], [0.5, 0]]),
    ],
)
def test_predictions_are_resampled(heatmap, expected):
    found = RowsProtocol(np.shape(expected)).prediction(np.array(heatmap, np.float32))
    assert found == pytest.approx(np.array(expected))


def test_the_offset_is_what_a_map_has_far_from_its_points():
    protocol = RowsProtocol((64, 64))
    rows = protocol.rows([sample((0,), ([[0.0, 0.0]],), (64, 64))])
    assert 1e-11 < protocol.targets(rows)[0, -1, -1] < 1e-9


BUTTONS = ButtonsProtocol((8, 8))


def corners(left, top, right, bottom):
    """Of a box whose first pixels are left and top and whose last are right - 1 and bottom - 1."""
    edges = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return edges - 0.5


def panel(*boxes, element=0, size=(16, 8)):
    outlines = tuple(corners(*each) for each in boxes)
    count = len(outlines)
    scene = KnownElements('panel', element, outlines, ('button',) * count, (True,) * count)
    points = outlines[element].mean(0, keepdims=True)
    return Sample('s', Path('a.mp4'), Path('a.jpg'), size, (0,), (points,), scene)


def box_target(*boxes, **options):
    return BUTTONS.targets(BUTTONS.rows([panel(*boxes, **options)]))[0]


def test_target_is_even_over_the_demonstrated_box():
    expected = np.zeros((8, 8))
    expected[2:6, 1:3] = 1 / 8
    assert box_target((10, 0, 16, 8), (2, 2, 6, 6), element=1) == pytest.approx(expected, abs=1e-8)


def test_a_pixel_that_is_covered_in_part_has_that_part():
    # From 1 to 4 of 16 pixels, which are 0.5 to 2 of 8.
    assert box_target((1, 0, 4, 1))[0, :4] == pytest.approx([1 / 3, 2 / 3, 0, 0], abs=1e-8)


def test_what_of_a_box_lies_outside_does_not_count():
    assert box_target((14, 6, 20, 12))[6:, 6:] == pytest.approx(
        np.array([[0, 0.5], [0, 0.5]]), abs=1e-8
    )


def test_a_box_that_is_finer_than_the_grid_is_a_point():
    found = box_target((8, 4, 9, 5), size=(1600, 800))
    assert np.argwhere(found > 0.5).tolist() == [[0, 0]]
    # The centre of the pixel that begins at 400 lies in the third of eight.
    edge = box_target((400, 300, 401, 301), size=(1600, 800))
    assert np.argwhere(edge > 0.5).tolist() == [[3, 2]]
    outside = box_target((1700, 900, 1701, 901), size=(1600, 800))
    assert np.argwhere(outside > 0.5).tolist() == [[7, 7]]


def test_target_is_zero_nowhere():
    found = box_target((2, 2, 6, 6))
    assert 0 < found.min() < 1e-10
    assert found.sum() == pytest.approx(1)


def test_samples_without_boxes_are_refused():
    bare = replace(panel((2, 2, 6, 6)), scene=None)
    with pytest.raises(DatasetError, match='needs boxes of buttons, and s has none; give'):
        BUTTONS.rows([bare])


# What OpenCV blurs five pixels with.
KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def coarse_row(*points: tuple[float, float], size: tuple[int, int] = (256, 256)) -> ProtocolRow:
    return ProtocolRow(0, 'a.jpg', np.array(points, np.float64), size)


def target_of(points: list[tuple[int, int]], size: tuple[int, int], kernel: int) -> np.ndarray:
    """Points in an image of (width, height), blurred there, at 28x28."""
    heatmap = np.zeros(size[::-1], np.float32)
    for x, y in points:
        heatmap[y, x] += 1
    heatmap = np.asarray(cv2.GaussianBlur(heatmap, (kernel, kernel), 0))
    for side in (224, 28):
        heatmap = np.asarray(cv2.resize(heatmap, (side, side), interpolation=cv2.INTER_LINEAR))
    return np.asarray(heatmap / heatmap.sum())


def test_targets_are_brought_to_224_and_from_there_to_28() -> None:
    points = [(123, 77), (123, 77), (20, 250)]
    (target,) = CoarseRowsProtocol().targets([coarse_row(*points)])
    assert target == pytest.approx(target_of(points, (256, 256), 85), abs=1e-7)


def test_targets_are_blurred_in_the_shape_of_the_annotated_image() -> None:
    (target,) = CoarseRowsProtocol().targets([coarse_row((150, 20), size=(200, 100))])
    # A third of the square root of 200 * 100 pixels.
    assert target == pytest.approx(target_of([(150, 20)], (200, 100), 47), abs=1e-7)


def test_targets_of_a_large_image_are_those_of_a_smaller_one() -> None:
    large, small = CoarseRowsProtocol().targets(
        [coarse_row((3001, 800), size=(4096, 2048)), coarse_row((750.25, 200), size=(1024, 512))]
    )
    assert np.array_equal(large, small)


def test_a_target_without_a_point_inside_is_uniform() -> None:
    (target,) = CoarseRowsProtocol().targets([coarse_row((-90, 50))])
    assert target == pytest.approx(np.full((28, 28), 1 / 784))


def test_predictions_are_blurred_by_five_pixels_and_sum_to_one() -> None:
    heatmap = np.zeros((28, 28), np.float32)
    heatmap[10, 20] = 7
    prediction = CoarseRowsProtocol().prediction(heatmap)
    assert prediction[8:13, 18:23] == pytest.approx(np.outer(KERNEL, KERNEL), abs=1e-6)
    assert prediction.sum() == pytest.approx(1, abs=1e-5)


def test_predictions_of_any_size_are_resampled_bilinearly() -> None:
    heatmap = np.zeros((56, 56), np.float32)
    heatmap[20:22, 40:42] = 1
    prediction = CoarseRowsProtocol().prediction(heatmap)
    assert np.unravel_index(prediction.argmax(), (28, 28)) == (10, 20)
    assert prediction[10, 20] == pytest.approx((6 / 16) ** 2, abs=1e-6)


def pooled_sample(
    image: str, actions: tuple[int, ...], *points: tuple[float, float], width: int = 512
) -> Sample:
    positions = tuple(np.array([point]) for point in points)
    return Sample(image, Path('a.mp4'), Path(image), (width, 256), actions, positions)


def test_rows_are_of_an_image_and_an_action_with_all_of_their_points() -> None:
    rows = PooledProtocol().rows(
        [
            pooled_sample('a.jpg', (3, 1), (100, 50), (20, 30)),
            pooled_sample('b.jpg', (3,), (4, 4)),
            pooled_sample('a.jpg', (3,), (200, 60)),
        ]
    )
    assert [(row.image, row.action) for row in rows] == [('a.jpg', 3), ('a.jpg', 1), ('b.jpg', 3)]
    assert rows[0].points.tolist() == [[100, 50], [200, 60]]
    assert {row.image_size for row in rows} == {(512, 256)}
    assert [row.group for row in rows] == ['a.jpg', 'a.jpg', 'b.jpg']


def test_points_are_in_pixels_of_the_size_that_an_image_is_first_annotated_with() -> None:
    (row,) = PooledProtocol().rows(
        [
            pooled_sample('a.jpg', (0,), (100, 50)),
            pooled_sample('a.jpg', (0,), (100, 50), width=1024),
        ]
    )
    assert row.points.tolist() == [[100, 50], [50, 50]]
    assert row.image_size == (512, 256)
