# SPDX-License-Identifier: Apache-2.0
"""The renderer: its buffer, displaced elements, and several renderers side by side."""

import numpy as np

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.bodies.solid import at
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import plan_target

SCENE = Scene(scene_seed(2, 3))
SIZE = (96, 72)


def test_a_displaced_element_is_elsewhere_and_back_afterwards() -> None:
    camera = plan_target(SCENE, 0, size=SIZE).camera
    with Renderer(SCENE, SIZE) as renderer:
        before = renderer.segment(camera, SIZE)
        # through the back of the fixture
        without = renderer.segment(camera, SIZE, states={1: at(0, 0, -3)})
        after = renderer.segment(camera, SIZE)
    assert (before == 1).any()
    assert not (without == 1).any()
    np.testing.assert_array_equal(after, before)


def test_a_second_renderer_does_not_change_what_the_first_shows() -> None:
    camera = plan_target(SCENE, 0, size=SIZE).camera
    with Renderer(SCENE, SIZE) as first:
        before = first.render(camera, SIZE)
        with Renderer(Scene(5, 'mugs'), (48, 48)) as second:
            second.render(plan_target(Scene(5, 'mugs'), 0, size=(48, 48)).camera, (48, 48))
        np.testing.assert_array_equal(first.render(camera, SIZE), before)
