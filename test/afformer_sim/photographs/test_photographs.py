# SPDX-License-Identifier: Apache-2.0
"""Views of photographs, and hands over them: positions, light, shadow and sizes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afformer_sim.photographs.photograph_demonstration import (
    compose,
    light_of,
    plan_photograph_demonstration,
)
from afformer_sim.photographs.photograph_view import (
    PhotographView,
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


GREY = np.full((60, 80, 3), 100, np.uint8)


def square() -> tuple[np.ndarray, np.ndarray]:
    """A white hand of 10 x 10 pixels whose canvas has it at (20, 20)."""
    opacity = np.zeros((40, 40), np.float32)
    opacity[20:30, 20:30] = 1
    return np.ones((40, 40, 3), np.float32), opacity


def test_the_hand_is_where_the_corner_puts_it_in_the_light_of_the_photograph() -> None:
    light = np.array([1.0, 0.5, 0.2], np.float32)
    image = compose(GREY, square(), np.array([10.0, 5.0]), light, (0.0, 0.0, 0.0))
    np.testing.assert_array_equal(image[30, 35], [255, 128, 51])
    np.testing.assert_array_equal(image[24, 35], GREY[0, 0])
    np.testing.assert_array_equal(image[30, 41], GREY[0, 0])


def test_the_shadow_falls_beside_the_hand_and_takes_its_share() -> None:
    image = compose(GREY, square(), np.zeros(2), np.ones(3, np.float32), (4.0, 0.0, 0.5))
    assert 60 < image[25, 31, 0] < 75
    assert image[25, 31, 0] < image[25, 18, 0] < 100
    np.testing.assert_array_equal(image[25, 2], GREY[0, 0])


def test_light_is_dim_and_warm_where_the_photograph_is() -> None:
    bright = light_of(np.full((60, 80, 3), 230, np.uint8), np.array([40.0, 30.0]))
    dim = light_of(np.full((60, 80, 3), 30, np.uint8), np.array([40.0, 30.0]))
    warm = light_of(np.full((60, 80, 3), (200, 120, 60), np.uint8), np.array([40.0, 30.0]))
    assert bright.mean() > dim.mean() + 0.4
    assert warm[0] > warm[1] > warm[2]


def test_a_hand_has_16_to_50_per_cent_of_the_diagonal() -> None:
    shares = []
    for seed in range(3):
        position, rng = np.array([30.0, 20.0]), np.random.default_rng(seed)
        planned = plan_photograph_demonstration(PhotographView((64, 48), np.eye(3)), position, rng)
        view = planned.hand.view
        # 19 cm at the contact point, which the camera looks at
        across = np.array([[-0.095, 0.0, 0.0], [0.095, 0.0, 0.0]]) @ view.camera.rotation.T
        shares.append(np.linalg.norm(np.subtract(*view.pixels(across))) / 80)
    assert 0.16 < min(shares) < 0.3
    assert 0.45 < max(shares) < 0.5
