# SPDX-License-Identifier: Apache-2.0
"""Rendered depth against geometry, and what the depth camera makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pytest

from afformer_sim.bodies.fixture import Fixture, Panel
from afformer_sim.bodies.pose import at
from afformer_sim.bodies.solid import Solid, SolidShape
from afformer_sim.cameras.camera import Camera, look_at
from afformer_sim.cameras.depth_camera import DepthCamera, SensedDepth, depth_edges
from afformer_sim.families.panels import ElementFinish, button
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene

SIZE = (160, 120)


class Shown(Scene):
    """A scene of a panel of 0.4 x 0.3 m with one square button of 8 x 8 x 1 cm in its middle."""

    @cached_property
    def fixture(self) -> Fixture:
        red, white, grey = (0.8, 0.2, 0.2), (1.0, 1.0, 1.0), (0.5, 0.5, 0.5)
        finish = ElementFinish(
            shape='square', width=0.08, height=0.08, depth=0.01, colour=red, accent=white
        )
        box = Solid(SolidShape.BOX, (0.2, 0.15, 0.05), grey, at(0, 0, -0.052))
        return Fixture(
            'control_panel',
            (button(finish, 0.0, 0.0, np.random.default_rng(0)),),
            (box,),
            bottom=-0.15,
            back=-0.102,
            panel=Panel(0.4, 0.3, grey, 0.0),
        )


@pytest.fixture(scope='module')
def renderer() -> Iterator[Renderer]:
    with Renderer(Shown(1), SIZE) as renderer:
        yield renderer


def on_plane(camera: Camera, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Where pixels see the plane z = height: depth [H, W], and x and y [H, W, 2]."""
    width, rows = SIZE
    v, u = np.mgrid[:rows, :width]
    focal = rows / 2 / np.tan(np.radians(camera.field_of_view) / 2)
    local = np.stack([(u - (width - 1) / 2) / focal, -(v - (rows - 1) / 2) / focal, -1 + 0 * u], 2)
    rays = local @ camera.rotation.T
    depth = (height - camera.position[2]) / rays[..., 2]
    return depth, (camera.position + depth[..., None] * rays)[..., :2]


@pytest.mark.parametrize('position', [(0.0, 0.0, 0.5), (0.2, 0.1, 0.7), (-0.4, 0.3, 0.85)])
def test_depth_of_a_panel_and_a_button_is_exact(
    renderer: Renderer, position: tuple[float, float, float]
) -> None:
    camera = look_at(np.array(position), np.zeros(3), 3.0, 20.0)
    depth = renderer.depth(camera, SIZE)
    expected, where = on_plane(camera, 0.01)
    front = (np.abs(where) < 0.039).all(axis=2)
    np.testing.assert_allclose(depth[front], expected[front], atol=1e-5)
    expected, where = on_plane(camera, 0.0)
    beside = np.abs(where).max(axis=2)
    # so far from the button that it hides nothing
    panel = (beside > 0.055) & (np.abs(where) < (0.199, 0.149)).all(axis=2)
    np.testing.assert_allclose(depth[panel], expected[panel], atol=1e-5)
    assert min(front.sum(), panel.sum()) > 200


def test_image_and_depth_at_once_are_those_one_by_one(renderer: Renderer) -> None:
    camera = look_at(np.array([0.1, 0.0, 0.6]), np.zeros(3), 0.0, 25.0)
    image, depth = renderer.render_with_depth(camera, SIZE)
    for _ in range(2):
        np.testing.assert_array_equal(renderer.render(camera, SIZE), image)
        np.testing.assert_array_equal(renderer.depth(camera, SIZE), depth)


@pytest.fixture
def step() -> np.ndarray:
    """0.6 m in the left half, 0.7 m in the right one."""
    depth = np.full((240, 320), 0.6, np.float32)
    depth[:, 160:] = 0.7
    return depth


def test_edges_lie_on_both_sides_of_a_step(step: np.ndarray) -> None:
    expected = np.zeros(step.shape, bool)
    expected[:, 159:161] = True
    np.testing.assert_array_equal(depth_edges(step), expected)


def test_a_slanted_plane_has_no_edges() -> None:
    inverse = 1.4 + 0.004 * np.arange(160) + 0.003 * np.arange(120)[:, None]
    assert not depth_edges((1 / inverse).astype(np.float32)).any()


def test_noise_holes_and_mixed_pixels_are_as_asked_for(step: np.ndarray) -> None:
    sensed = DepthCamera(noise=0.005, holes=0.05).measure(step, np.random.default_rng(3))
    assert sensed.holes.mean() == pytest.approx(0.05, abs=0.005)
    np.testing.assert_array_equal(np.isnan(sensed.values), sensed.holes)
    flat = ~sensed.holes & ~depth_edges(step)
    relative = sensed.values[flat] / step[flat] - 1
    assert relative.mean() == pytest.approx(0, abs=1e-4)
    assert relative.std() == pytest.approx(0.005, rel=0.02)
    mixed = sensed.values[sensed.edges]
    assert (mixed > 0.58).all()
    assert (mixed < 0.72).all()
    assert ((mixed > 0.62) & (mixed < 0.68)).mean() > 0.25


def test_without_noise_and_holes_depth_is_exact(step: np.ndarray) -> None:
    sensed = DepthCamera(noise=0, holes=0).measure(step, np.random.default_rng(3))

    np.testing.assert_array_equal(sensed.values, step)
    assert not sensed.edges.any()


def test_half_of_the_holes_are_blobs(step: np.ndarray) -> None:
    holes = DepthCamera(holes=0.1).measure(step, np.random.default_rng(5)).holes
    neighbours = holes[1:-1, :-2] & holes[1:-1, 2:] & holes[:-2, 1:-1] & holes[2:, 1:-1]
    inner = (holes[1:-1, 1:-1] & neighbours).mean()
    assert 0.02 < inner < 0.05


def test_nothing_is_measured_beyond_the_farthest(step: np.ndarray) -> None:
    sensed = DepthCamera(holes=0, farthest=0.65).measure(step, np.random.default_rng(0))
    assert sensed.holes[:, 170:].all()
    assert not sensed.holes[:, :150].any()


def test_millimetres_are_rounded_and_zero_where_unknown() -> None:
    values = np.array([[0.5004, 0.5006, np.nan, 70.0]], np.float32)
    sensed = SensedDepth(values, np.isnan(values), np.zeros((1, 4), bool))
    np.testing.assert_array_equal(sensed.millimetres(), [[500, 501, 0, 0]])
    assert sensed.millimetres().dtype == np.uint16


def test_impossible_defects_are_refused() -> None:
    with pytest.raises(ValueError, match=r'holes in \[0, 0.5\)'):
        DepthCamera(holes=0.6)
