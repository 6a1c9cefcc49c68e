# SPDX-License-Identifier: Apache-2.0
"""The renderer of images to look at: smooth edges, on the same pixels."""

from dataclasses import replace

import numpy as np

from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.scene.demonstration import plan_demonstration, with_meshes
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.smooth_renderer import SmoothRenderer
from afformer_sim.scene.view import plan_camera_path, plan_target, render_views

SCENE = Scene(scene_seed(2, 3))
SIZE = (96, 72)


def test_edges_are_smooth_and_where_they_were() -> None:
    view = plan_target(SCENE, 0, size=SIZE)
    lighting = replace(view.lighting, shadows=False)
    images = []
    for kind in (Renderer, SmoothRenderer):
        with kind(SCENE, SIZE) as renderer:
            renderer.set_room(lighting, view.surroundings)
            images.append(renderer.render(view.camera, SIZE, states=view.states).astype(float))
    jagged, smooth = images

    assert smooth.shape == jagged.shape
    assert np.abs(smooth - jagged).mean() < 6
    # the steps between neighbouring pixels, which edges have the most of
    steps = [np.abs(np.diff(image, axis=1)).max(axis=2).ravel() for image in images]
    assert np.percentile(steps[1], 99) < np.percentile(steps[0], 99)


def test_a_hand_of_meshes_is_shown() -> None:
    planned = plan_demonstration(SCENE, 0, size=SIZE)
    demonstration = with_meshes(planned, make_rng(SCENE.seed, Stream.HAND_STYLE, 0))
    time = (max(demonstration.motion.start, 0.0) + min(demonstration.motion.end, 1.0)) / 2
    camera, hand = demonstration.camera(time), demonstration.shown_hand(SCENE.fixture, time)
    with SmoothRenderer(SCENE, SIZE) as renderer:
        without, shown = renderer.render(camera, SIZE), renderer.render(camera, SIZE, hand)

    assert (without != shown).any(axis=2).mean() > 0.02


def test_a_camera_path_is_taken_by_the_given_renderer() -> None:
    path = plan_camera_path(SCENE, 2, SIZE)
    with SmoothRenderer(SCENE, SIZE) as renderer:
        smooth = render_views(SCENE, path, renderer)

    assert (np.stack(smooth) != np.stack(render_views(SCENE, path))).any()
