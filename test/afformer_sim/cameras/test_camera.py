# SPDX-License-Identifier: Apache-2.0
"""Projection, and what random cameras see."""

import numpy as np
import pytest

from afformer_sim.cameras.camera import Camera, look_at


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


def test_a_camera_has_ahead_what_all_of_has_a_pixel() -> None:
    camera = Camera(np.array([0.0, 0.0, 1.0]), np.eye(3), 40.0)
    assert camera.has_ahead(np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 0.9]]))
    assert not camera.has_ahead(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.1]]))
