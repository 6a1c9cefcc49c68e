# SPDX-License-Identifier: Apache-2.0
"""Views of photographs: points go with the pixels, nothing is mirrored, little is beyond."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afformer_sim.photographs.photograph_view import (
    find_interest_points,
    sample_near_view,
    sample_other_view,
)

SIZE = (160, 120)
POINT = np.array([130.0, 90.0])


def dotted() -> np.ndarray:
    """A dark photograph of 300 x 220 pixels with a white dot at `POINT`."""
    photograph = np.full((220, 300, 3), 20, np.uint8)
    cv2.circle(photograph, (130, 90), 7, (255, 255, 255), -1)
    return photograph


@pytest.mark.parametrize('seed', range(8))
def test_a_point_is_where_its_pixels_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    view = sample_other_view(dotted(), SIZE, POINT, 0.6, rng)
    image = view.take(dotted())[..., 0]
    rows, columns = np.nonzero(image > 150)
    found = np.array([columns.mean(), rows.mean()])
    assert np.linalg.norm(found - view.pixels(POINT[None])[0]) < 1.5
    assert np.linalg.det(view.matrix) > 0


def test_other_views_show_the_point_and_little_beyond_the_photograph() -> None:
    rng = np.random.default_rng(0)
    views = [sample_other_view(dotted(), SIZE, POINT, 0.9, rng) for _ in range(20)]
    for view in views:
        position = view.pixels(POINT[None])[0] / SIZE
        assert ((position > 0.14) & (position < 0.86)).all()
    assert np.mean([view.covered(dotted()) for view in views]) > 0.95
    scales = [view.scale_at(POINT) for view in views]
    assert max(scales) / min(scales) > 1.5
    assert 0.9 / 2.6 < min(scales) < max(scales) < 0.9 * 2.6


def test_views_are_drawn_for_any_point_of_large_photographs() -> None:
    photograph = np.zeros((960, 1280, 3), np.uint8)
    rng = np.random.default_rng(3)
    for _ in range(60):
        point = rng.uniform([100, 100], [1180, 860])
        view = sample_other_view(photograph, (448, 336), point, 1.6, rng)
        assert view.covered(photograph) > 0.7


def test_the_near_view_shows_most_of_the_photograph_upright() -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        view = sample_near_view(dotted(), SIZE, rng)
        corners = np.linalg.inv(view.matrix) @ np.array(
            [[0, 159, 159, 0], [0, 0, 119, 119], [1.0] * 4]
        )
        seen = (corners[:2] / corners[2]).T.astype(np.float32)
        assert cv2.contourArea(seen) > 0.25 * 300 * 220
        assert seen[1, 0] > seen[0, 0]
        assert seen[2, 1] > seen[1, 1]


def test_points_have_structure_and_keep_away_from_the_border() -> None:
    positions = find_interest_points(dotted(), 5, np.random.default_rng(0))
    assert len(positions) >= 1
    assert (np.linalg.norm(positions - POINT, axis=1) < 14).all()


def test_a_photograph_without_structure_is_touched_in_its_middle() -> None:
    plain = np.full((220, 300, 3), 90, np.uint8)
    positions = find_interest_points(plain, 5, np.random.default_rng(0))
    np.testing.assert_allclose(positions, [[149.5, 109.5]])
