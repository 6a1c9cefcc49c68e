# SPDX-License-Identifier: Apache-2.0
"""A robot's view of a scene, and the point that is published of a peak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from afformer_core.stream.settings import StreamSettings
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.robot_observation import RobotObservation, publish_pixel, see
from afformer_sim.datasets.rgbd_bag import plan_rgbd_views
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import front_centre

SCENE = Scene(5, 'keypad')
SIZE = (640, 480)
SETTINGS = StreamSettings()


@pytest.fixture(scope='module')
def renderer() -> Iterator[Renderer]:
    with Renderer(SCENE, SIZE) as renderer:
        yield renderer


@pytest.fixture(scope='module')
def observation(renderer: Renderer) -> RobotObservation:
    return see(
        renderer, plan_rgbd_views(SCENE, SIZE, 12.0, 1 / 3)[1], {}, np.random.default_rng(0)
    )


@pytest.mark.parametrize('element', [0, 4])
@pytest.mark.parametrize(('noise', 'millimetres'), [(0.0, 1.5), (0.01, 6.0)])
def test_the_point_of_a_peak_is_on_its_button(
    observation: RobotObservation, element: int, noise: float, millimetres: float
) -> None:
    button = SCENE.fixture.elements[element]
    middle = front_centre(button)
    pixel = observation.view.pixels(middle[None])[0]
    sensed = DepthCamera(noise, 0.0).measure(observation.depth, np.random.default_rng(1))
    published = publish_pixel(pixel, observation, sensed, SETTINGS)
    assert published.position is not None
    assert published.normal is not None
    assert 1e3 * np.linalg.norm(published.position - middle) < millimetres
    assert published.normal @ button.pose.rotation[:, 2] > 0.9


def test_without_depth_the_problem_is_told(observation: RobotObservation) -> None:
    sensed = DepthCamera(0.0, 0.0, farthest=0.01).measure(
        observation.depth, np.random.default_rng(1)
    )
    published = publish_pixel(np.array([320.0, 240.0]), observation, sensed, SETTINGS)
    assert published.position is None
    assert 'depth' in published.problem


def test_the_right_pixel_is_the_middle_of_a_seen_button(observation: RobotObservation) -> None:
    pixel = observation.right_pixel(SCENE.fixture, 0)
    middle = observation.view.pixels(front_centre(SCENE.fixture.elements[0])[None])[0]
    np.testing.assert_allclose(pixel, middle)


def test_a_hidden_button_has_no_right_pixel(observation: RobotObservation) -> None:
    hidden = replace(observation, shown=np.where(observation.shown == 0, -1, observation.shown))
    assert hidden.right_pixel(SCENE.fixture, 0) is None
    sensed = DepthCamera(0.0, 0.0).measure(observation.depth, np.random.default_rng(1))
    assert publish_pixel(None, hidden, sensed, SETTINGS).position is None
