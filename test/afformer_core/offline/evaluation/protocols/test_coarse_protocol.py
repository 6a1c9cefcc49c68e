# SPDX-License-Identifier: Apache-2.0
"""The comparison at 28x28, step by step as OpenCV does each."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols.coarse_protocol import CoarseRowsProtocol
from afformer_core.offline.evaluation.protocols.protocols import ProtocolRow

# What OpenCV blurs five pixels with.
KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def row(*points: tuple[float, float], size: tuple[int, int] = (256, 256)) -> ProtocolRow:
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


def test_a_row_for_every_sample_and_action() -> None:
    two = (np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    samples = [
        Sample(name, Path(f'{name}.mp4'), Path('a.jpg'), (64, 48), (2, 0), two) for name in 'ab'
    ]
    rows = CoarseRowsProtocol().rows(samples)
    assert [(each.sample.sample_id, each.action) for each in rows if each.sample] == [
        ('a', 2), ('a', 0), ('b', 2), ('b', 0),
    ]  # fmt: skip


def test_targets_are_brought_to_224_and_from_there_to_28() -> None:
    points = [(123, 77), (123, 77), (20, 250)]
    (target,) = CoarseRowsProtocol().targets([row(*points)])
    assert target == pytest.approx(target_of(points, (256, 256), 85), abs=1e-7)


def test_targets_are_blurred_in_the_shape_of_the_annotated_image() -> None:
    (target,) = CoarseRowsProtocol().targets([row((150, 20), size=(200, 100))])
    # A third of the square root of 200 * 100 pixels.
    assert target == pytest.approx(target_of([(150, 20)], (200, 100), 47), abs=1e-7)


def test_targets_of_a_large_image_are_those_of_a_smaller_one() -> None:
    large, small = CoarseRowsProtocol().targets(
        [row((3001, 800), size=(4096, 2048)), row((750.25, 200), size=(1024, 512))]
    )
    assert np.array_equal(large, small)


def test_a_target_without_a_point_inside_is_uniform() -> None:
    (target,) = CoarseRowsProtocol().targets([row((-90, 50))])
    assert target == pytest.approx(np.full((28, 28), 1 / 784))


def test_predictions_are_blurred_by_five_pixels_and_sum_to_one() -> None:
    heatmap = np.zeros((28, 28), np.float32)
    heatmap[10, 20] = 7
    prediction = CoarseRowsProtocol().prediction(heatmap)
    assert prediction[8:13, 18:23] == pytest.approx(np.outer(KERNEL, KERNEL), abs=1e-6)
    assert prediction.sum() == pytest.approx(1, abs=1e-5)


def test_a_prediction_is_mirrored_at_the_border() -> None:
    assert CoarseRowsProtocol().prediction(np.ones((28, 28), np.float32)) == pytest.approx(
        np.full((28, 28), 1 / 784)
    )


def test_predictions_of_any_size_are_resampled_bilinearly() -> None:
    heatmap = np.zeros((56, 56), np.float32)
    heatmap[20:22, 40:42] = 1
    prediction = CoarseRowsProtocol().prediction(heatmap)
    assert np.unravel_index(prediction.argmax(), (28, 28)) == (10, 20)
    assert prediction[10, 20] == pytest.approx((6 / 16) ** 2, abs=1e-6)


def test_of_nine_pixels_two_count_along_each_side() -> None:
    fine = np.zeros((28, 256), np.float32)
    # The fourteenth of 28 lies at 13.5 * 256 / 28 - 0.5 = 122.93.
    fine[14, 122], fine[14, 123], fine[14, 126] = 4, 1, 1000
    seen = np.zeros((28, 28), np.float32)
    seen[14, 13] = 1
    protocol = CoarseRowsProtocol()
    assert protocol.prediction(fine) == pytest.approx(protocol.prediction(seen), abs=1e-6)


def test_names_and_epsilon() -> None:
    protocol = CoarseRowsProtocol()
    assert (protocol.name, protocol.size, protocol.epsilon) == ('rows28', (28, 28), 1e-12)


def test_epic_hotspot(tmp_path: Path) -> None:
    """A crop of an object, annotated as EPIC-Hotspot's release has it."""
    crop = 'P01_02_1_0_0_200_100.jpg'
    image = {'image': [crop], 'verb': 0, 'noun': 0, 'points': [[150, 20]], 'shape': [200, 100]}
    clip = {'v_id': 'P01_01', 'start': 1, 'stop': 61, 'verb': 0, 'noun': 0}
    release = {'verbs': ['open'], 'nouns': ['door'], 'inactive_images': {}}
    release |= {'test_clips': [clip], 'test_images': [image]}
    (tmp_path / 'annotations.json').write_text(json.dumps(release))

    dataset = open_annotations(tmp_path / 'annotations.json')
    protocol = CoarseRowsProtocol()
    (target,) = protocol.targets(protocol.rows(dataset))
    assert target == pytest.approx(target_of([(150, 20)], (200, 100), 47), abs=1e-7)
