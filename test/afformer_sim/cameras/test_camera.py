# SPDX-License-Identifier: Apache-2.0
"""Projection, and what random cameras see."""

import numpy as np
import pytest

from afformer_sim.cameras.camera import Camera, direction, look_at, sample_camera
from afformer_sim.families import FAMILIES
from afformer_sim.scene.scene import Scene

SIZES = [(256, 192), (256, 144), (256, 256), (144, 256)]


@pytest.fixture
def camera() -> Camera:
    return look_at(np.array([0.0, 0.0, 1.0]), np.zeros(3), 0.0, 90.0)


def test_projects_to_pixel_centres_at_integers(camera: Camera) -> None:
    points = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.25, 0, 0.5]])
    expected = [[99.5, 49.5], [124.5, 49.5], [99.5, 24.5], [99.5, 49.5], [124.5, 49.5]]
    np.testing.assert_allclose(camera.project(points, (200, 100)), expected)


def test_a_point_behind_the_camera_is_refused(camera: Camera) -> None:
    with pytest.raises(ValueError, match='behind the camera'):
        camera.project(np.array([[0.0, 0.0, 2.0]]), (200, 100))


def test_a_moved_camera_still_has_a_rotation(camera: Camera) -> None:
    moved = camera.moved(np.array([0.01, 0.0, 0.0]), np.array([0.02, -0.03, 0.01]))
    np.testing.assert_allclose(moved.rotation.T @ moved.rotation, np.eye(3), atol=1e-12)
    assert np.linalg.det(moved.rotation) == pytest.approx(1)
    np.testing.assert_allclose(moved.position, [0.01, 0, 1])


@pytest.mark.parametrize('egocentric', [False, True])
@pytest.mark.parametrize('family', FAMILIES)
def test_random_cameras_see_every_element(family: str, egocentric: bool) -> None:
    rng = np.random.default_rng(0)
    for seed, size in enumerate(SIZES):
        fixture = Scene(seed, family).fixture
        camera = sample_camera(fixture, size, rng, egocentric=egocentric)
        for element in fixture.elements:
            pixels = camera.project(element.pose.apply(element.hull), size)
            assert (pixels >= -0.5).all()
            assert (pixels <= np.array(size) - 0.5).all()


def test_two_random_views_are_29_degrees_apart_on_average_and_67_at_most() -> None:
    rng = np.random.default_rng(0)
    fixture = Scene(1).fixture
    axes = np.array([sample_camera(fixture, (256, 192), rng).rotation[:, 2] for _ in range(200)])
    degrees = np.degrees(np.arccos(np.clip((axes[:100] * axes[100:]).sum(1), -1, 1)))
    assert 25 < degrees.mean() < 35
    assert degrees.max() <= 67.01


def test_views_are_around_the_direction_that_an_object_is_mostly_seen_from() -> None:
    rng = np.random.default_rng(0)
    for family in ('control_panel', 'mugs'):
        fixture = Scene(1, family).fixture
        axes = [sample_camera(fixture, (96, 96), rng).rotation[:, 2] for _ in range(100)]
        mean = np.mean(axes, axis=0)
        usual = direction(0, fixture.elevation)
        assert mean @ usual / np.linalg.norm(mean) > np.cos(np.radians(6))


def test_an_egocentric_camera_is_above_what_it_sees_and_has_a_wide_lens() -> None:
    rng = np.random.default_rng(0)
    fixture = Scene(1).fixture
    for _ in range(50):
        camera = sample_camera(fixture, (256, 192), rng, egocentric=True)
        up = np.degrees(np.arcsin(camera.rotation[1, 2]))
        assert fixture.elevation + 10 < up < fixture.elevation + 33
        assert 50 <= camera.field_of_view <= 75


def test_what_stands_on_a_table_is_not_looked_at_from_below() -> None:
    rng = np.random.default_rng(0)
    fixture = Scene(1, 'mugs').fixture
    for _ in range(100):
        assert sample_camera(fixture, (96, 96), rng).rotation[1, 2] > 0.1


def test_a_camera_has_ahead_what_all_of_has_a_pixel() -> None:
    camera = Camera(np.array([0.0, 0.0, 1.0]), np.eye(3), 40.0)
    assert camera.has_ahead(np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 0.9]]))
    assert not camera.has_ahead(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.1]]))
