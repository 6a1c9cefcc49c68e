# SPDX-License-Identifier: Apache-2.0
"""Where annotators mark what they see."""

import numpy as np

from afformer_sim.scene.renderer import NOTHING, Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import plan_target
from afformer_sim.scene.visibility import elements_in_view, points_seen


def test_points_beside_an_element_go_to_its_nearest_pixel_inside() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:10, 10:20] = True
    points = np.array([[12.4, 7.2], [14.0, 1.0], [25.0, 9.0], [-3.0, 40.0]])

    moved = points_seen(points, mask)

    assert moved.tolist() == [[12.4, 7.2], [14.0, 6.0], [18.0, 8.0], [11.0, 8.0]]


def test_points_on_an_element_of_one_row_go_to_its_border() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 1:4] = True
    assert points_seen(np.array([[4.0, 4.0]]), mask).tolist() == [[3.0, 2.0]]


def test_points_stay_where_nothing_is_seen() -> None:
    points = np.array([[1.5, 2.5]])
    assert np.array_equal(points_seen(points, np.zeros((4, 4), bool)), points)


def test_elements_are_seen_within_their_outlines() -> None:
    scene = Scene(3, 'levers')
    view = plan_target(scene, 0, 128)
    with Renderer(scene, (128, 128)) as renderer:
        codes = elements_in_view(renderer, view)

    assert codes.shape == view.size[::-1]
    assert set(np.unique(codes)) <= {NOTHING, *range(len(scene.fixture.elements))}
    outline = view.outline(scene.fixture, 0)
    rows, columns = np.nonzero(codes == 0)
    assert len(rows) > 0
    assert outline[:, 0].min() < columns.mean() < outline[:, 0].max()
