# SPDX-License-Identifier: Apache-2.0
"""Depth of the renderer, defects of a depth camera, and errors of its calibration."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pytest

from afformer_sim.bodies.fixture import Fixture, Panel
from afformer_sim.bodies.solid import Pose, Solid, SolidShape, at
from afformer_sim.cameras.camera import Camera, look_at
from afformer_sim.cameras.depth_camera import DepthCamera, RobotErrors, depth_edges, millimetres
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
    _, depth = renderer.render_with_depth(camera, SIZE)
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
        np.testing.assert_array_equal(renderer.render_with_depth(camera, SIZE)[1], depth)


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
    known = ~np.isnan(sensed)
    assert known.mean() == pytest.approx(0.95, abs=0.005)
    flat = known & ~depth_edges(step)
    relative = sensed[flat] / step[flat] - 1
    assert relative.mean() == pytest.approx(0, abs=1e-4)
    assert relative.std() == pytest.approx(0.005, rel=0.02)
    mixed = sensed[known & depth_edges(step)]
    assert (mixed > 0.58).all()
    assert (mixed < 0.72).all()
    assert ((mixed > 0.62) & (mixed < 0.68)).mean() > 0.25


def test_without_noise_and_holes_depth_is_exact(step: np.ndarray) -> None:
    sensed = DepthCamera(noise=0, holes=0).measure(step, np.random.default_rng(3))

    np.testing.assert_array_equal(sensed, step)


def test_half_of_the_holes_are_blobs(step: np.ndarray) -> None:
    holes = np.isnan(DepthCamera(holes=0.1).measure(step, np.random.default_rng(5)))
    neighbours = holes[1:-1, :-2] & holes[1:-1, 2:] & holes[:-2, 1:-1] & holes[2:, 1:-1]
    inner = (holes[1:-1, 1:-1] & neighbours).mean()
    assert 0.02 < inner < 0.05


def test_nothing_is_measured_beyond_the_farthest(step: np.ndarray) -> None:
    sensed = DepthCamera(holes=0, farthest=0.65).measure(step, np.random.default_rng(0))
    assert np.isnan(sensed[:, 170:]).all()
    assert not np.isnan(sensed[:, :150]).any()


def test_millimetres_are_rounded_and_zero_where_unknown() -> None:
    values = np.array([[0.5004, 0.5006, np.nan, 70.0]], np.float32)
    np.testing.assert_array_equal(millimetres(values), [[500, 501, 0, 0]])
    assert millimetres(values).dtype == np.uint16


def test_impossible_defects_are_refused() -> None:
    with pytest.raises(ValueError, match=r'holes in \[0, 0.5\)'):
        DepthCamera(holes=0.6)


def turned(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def test_a_pose_is_off_by_the_shift_and_the_turn() -> None:
    pose = Pose(np.array([0.31, -0.22, 0.67]), turned(0.37))
    errors = RobotErrors(shift=0.005, turn=1.3)
    known = [errors.pose(pose, np.random.default_rng(seed)) for seed in range(4)]
    for one in known:
        assert np.linalg.norm(one.position - pose.position) == pytest.approx(0.005)
        cosine = (np.trace(one.rotation @ pose.rotation.T) - 1) / 2
        assert np.degrees(np.arccos(cosine)) == pytest.approx(1.3)
    assert not np.allclose(known[0].position, known[1].position)
    again = errors.pose(pose, np.random.default_rng(2))
    assert np.array_equal(again.position, known[2].position)


def test_depth_is_moved_against_the_image_and_unknown_at_its_border() -> None:
    values = np.arange(1, 78, dtype=np.float32).reshape(7, 11)
    values[3, 4] = np.nan
    shifts = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        moved = RobotErrors(registration=2.0).registered(values, rng)
        (row,), (column,) = np.nonzero(moved == values[3, 5])
        shifts.add((row - 3, column - 5))
        assert np.isnan(moved[row, column - 1])
        known = ~np.isnan(moved)
        assert known.sum() == (7 - abs(row - 3)) * (11 - abs(column - 5)) - 1
    lengths = [np.hypot(*shift) for shift in shifts]
    assert len(shifts) > 3
    assert min(lengths) > 1.4
    assert max(lengths) < 2.3
