# SPDX-License-Identifier: Apache-2.0
"""Robots in views: seen, but not in front of what must stay in view."""

from __future__ import annotations

import numpy as np

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.scene.renderer import HAND, Renderer
from afformer_sim.scene.robot import with_robot
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import plan_target

SCENE = Scene(scene_seed(2, 3))
SIZE = (128, 96)


def test_a_robot_is_seen_and_hides_no_demonstrated_element() -> None:
    view = plan_target(SCENE, 0, size=SIZE)
    with Renderer(SCENE, SIZE) as renderer:
        bare = renderer.segment(view.camera, SIZE, states=view.states)
        found = 0
        for seed in range(6):
            beside = with_robot(renderer, view, {0, 1}, np.random.default_rng(seed))
            if not beside.robot:
                continue
            found += 1
            codes = renderer.segment(beside.camera, SIZE, beside.robot, beside.states)
            assert 0.03 < (codes <= HAND).mean() < 0.35
            for element in (0, 1):
                assert (codes == element).sum() >= 0.85 * (bare == element).sum()
        assert found >= 4
