# SPDX-License-Identifier: Apache-2.0
"""Anchors, decoding and merging of palms by numbers worked out by hand, and the network itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from afformer_core.hands.landmarks import palm_detection
from afformer_core.hands.landmarks.hand_networks import HandNetwork
from afformer_core.hands.landmarks.palm_detection import (
    Palm,
    PalmDetector,
    PalmViews,
    anchors,
    crops,
    decoded,
    merged,
)

from .drawn_hand import drawn_hand


def test_anchors_are_in_the_middles_of_cells_of_both_grids() -> None:
    middles = anchors()

    assert middles.shape == (2016, 2)
    # 24 x 24 cells of two, row by row.
    assert middles[:4].tolist() == [[4, 4], [4, 4], [12, 4], [12, 4]]
    assert middles[[48, 1151]].tolist() == [[4, 12], [188, 188]]
    # 12 x 12 cells of six.
    assert middles[[1152, 1157, 1158, 2015]].tolist() == [[8, 8], [8, 8], [24, 8], [184, 184]]


def test_boxes_and_keypoints_are_relative_to_their_anchors() -> None:
    values = np.zeros((2, 18), np.float32)
    values[1] = [5, -3, 20, 12, *range(14)]
    middles = np.array([[1.0, 1.0], [100.0, 60.0]])

    points, scores = decoded(values, np.array([-0.01, 0.0], np.float32), middles, 0.5)

    # A palm of the lowest score is kept.
    assert scores.tolist() == [0.5]
    assert points[0, :3].tolist() == [[95, 51], [115, 63], [100, 61]]
    assert points[0, 8].tolist() == [112, 73]


def _points(left: float) -> list[list[float]]:
    return [[left, 3], [left + 10, 13], *[[left + k, 5] for k in range(7)]]


def test_detections_of_one_palm_are_averaged_by_score() -> None:
    # With the best, the second overlaps by 90 of 110, the third by 40 of 160, the last by 50 of
    # 150.
    points = np.array([_points(left) for left in (1, 0, 6, -5)])

    palms = merged(points, np.array([0.6, 0.9, 0.7, 0.3]))

    assert [score for _, score in palms] == [0.9, 0.7]
    # (0.9 x 0 + 0.6 x 1 - 0.3 x 5) / 1.8
    assert palms[0][0][[0, 1, 8]] == pytest.approx(np.array([[-0.5, 3], [9.5, 13], [5.5, 5]]))
    assert palms[1][0] == pytest.approx(np.array(_points(6)))


def test_a_box_without_area_is_a_palm_of_its_own() -> None:
    point = np.full((1, 9, 2), 7.0)

    assert [score for _, score in merged(point, np.array([0.8]))] == [0.8]


class _Network:
    """Sees one palm in the middle of the square, and keeps what it is shown."""

    side = 192

    def __init__(self, *_: Any) -> None:
        self.shown: list[np.ndarray] = []

    def run(self, image: np.ndarray) -> list[np.ndarray]:
        self.shown.append(image)
        values, logits = np.zeros((2016, 18), np.float32), np.full((2016, 1), -9, np.float32)
        # Its anchor is at (12, 4).
        values[3] = [84, 92, 24, 48, 84, 116, 0, 0, 96, 68, *[0] * 8]
        logits[3] = 2
        return [values, logits]


def test_palms_are_in_pixels_of_the_image_and_not_of_the_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = _Network()
    monkeypatch.setattr(palm_detection, 'HandNetwork', lambda *_: network)
    image = np.zeros((60, 100, 3), np.uint8)
    image[5:45, 10:90] = (210, 120, 60)

    (palm,) = PalmDetector(0.5).detect(image, (10, 5, 90, 45))

    # A pixel of the view is 2.4 of the square, in which it begins at (0, 48).
    assert palm == Palm(
        pytest.approx((45, 15, 55, 35)),
        pytest.approx((50, 35)),
        pytest.approx((55, 15)),
        pytest.approx(0.880797),
    )
    (square,) = network.shown
    assert square[[47, 144]].max() == 0
    assert (square[48:144] == (210, 120, 60)).all()


def test_outputs_of_the_network_are_those_of_tensorflow_lite() -> None:
    values, logits = HandNetwork('palm_detection.onnx', 1).run(drawn_hand(192))

    assert values.shape == (2016, 18)
    assert logits.shape == (2016, 1)
    assert logits[[5, 1000, 1700, 1398], 0] == pytest.approx(
        [-8.232912, -8.778186, -8.180101, -1.905071], abs=1e-3
    )
    assert values[[5, 1000, 1700]][:, [0, 2, 17]] == pytest.approx(
        np.array(
            [
                [-2.052366, 36.404362, 18.618610],
                [2.085628, 21.282862, 7.119682],
                [-1.731227, 74.192329, 1.148175],
            ]
        ),
        abs=1e-3,
    )


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((90, 160), [(0, 0), (32, 0), (64, 0), (0, 36), (32, 36), (64, 36)]),
        ((160, 90), [(0, 0), (36, 0), (0, 32), (36, 32), (0, 64), (36, 64)]),
    ],
)
def test_crops_overlap_and_cover_the_image(
    size: tuple[int, int], expected: list[tuple[int, int]]
) -> None:
    height, width = round(0.6 * size[0]), round(0.6 * size[1])

    assert crops(size) == [(x, y, x + width, y + height) for x, y in expected]


def test_whole_frames_and_crops_take_turns() -> None:
    views = PalmViews()

    seen = [views.next((90, 160), followed=False, interval=0.059) for _ in range(14)]

    assert seen[::2] == [[(0, 0, 160, 90)]] * 7
    assert seen[1::2] == [[crop] for crop in (*crops((90, 160)), crops((90, 160))[0])]


def test_crops_are_left_out_while_a_hand_is_followed() -> None:
    views = PalmViews()

    seen = [views.next((90, 160), followed=True, interval=0.03) for _ in range(4)]

    assert seen == [[(0, 0, 160, 90)], []] * 2


def test_frames_far_apart_are_seen_as_a_whole_and_one_crop_each() -> None:
    views = PalmViews()

    seen = [views.next((90, 160), followed=False, interval=0.06) for _ in range(3)]

    assert seen == [[(0, 0, 160, 90), crop] for crop in crops((90, 160))[:3]]
    assert views.next((90, 160), followed=True, interval=0.06) == [(0, 0, 160, 90)]
