# SPDX-License-Identifier: Apache-2.0
"""Demonstrations: reproducible, the hand on the element, the others as they were left."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import mujoco
import numpy as np

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.scene.demonstration import choose_elements, plan_demonstration
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.world import describe_world

SCENE = Scene(scene_seed(2, 3))
KNOB = ('hold', 'pull', 'push', 'rotate', 'touch')
HANDLE = ('hold', 'pull', 'push', 'touch')
EVERY_USE = {'button': ('hold', 'touch'), 'handle': HANDLE, 'knob': KNOB}


def distance_to_geom(
    model: mujoco.MjModel, data: mujoco.MjData, geom: int, point: np.ndarray
) -> float:
    """Metres from a point to the surface of a box or an upright cylinder, negative inside."""
    local = np.abs(data.geom_xmat[geom].reshape(3, 3).T @ (point - data.geom_xpos[geom]))
    size = model.geom_size[geom]
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CYLINDER:
        beyond = np.array([np.hypot(local[0], local[1]) - size[0], local[2] - size[1]])
    else:
        assert model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_BOX
        beyond = local - size
    return float(np.linalg.norm(beyond.clip(0)) + min(beyond.max(), 0))


def nearest_fingertip(scene: Scene, element: int, action: str) -> list[float]:
    """Metres from the nearest fingertip to the element at three times in contact."""
    fixture = scene.fixture
    demonstration = plan_demonstration(scene, element, action=action)
    model = describe_world(scene, (64, 64)).compile()
    data = mujoco.MjData(model)
    body = model.body(f'element_{element}').id
    gaps = []
    for time in np.linspace(demonstration.motion.start, demonstration.motion.end, 5)[1:-1]:
        pose = fixture.elements[element].placed(demonstration.states(time)[element])
        data.mocap_pos[element] = pose.position
        data.mocap_quat[element] = pose.quaternion
        mujoco.mj_kinematics(model, data)
        tips = [each for each in demonstration.capsules(fixture, time) if each.radius == 0.0075]
        geoms = np.flatnonzero(model.geom_bodyid == body)
        distances = [
            distance_to_geom(model, data, geom, tip.end) - tip.radius
            for tip in tips
            for geom in geoms
        ]
        gaps.append(min(distances))
    return gaps


def test_a_contact_point_outside_the_image_has_no_pixel() -> None:
    scene = Scene(scene_seed(4, 1), 'keypad')
    demonstration = plan_demonstration(scene, 2)
    shifted = replace(demonstration, drift=np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    behind = replace(demonstration, drift=np.array([[0.0, 0.0, -4.0], [0.0, 0.0, 0.0]]))
    assert demonstration.contact_pixel(scene.fixture, 1.0) is not None
    assert shifted.contact_pixel(scene.fixture, 1.0) is None
    assert behind.contact_pixel(scene.fixture, 1.0) is None


def test_fingertips_touch_the_element_as_long_as_they_are_in_contact() -> None:
    tried = defaultdict(set)
    for index in range(12):
        scene = Scene(scene_seed(4, index))
        for element in choose_elements(scene, 2):
            target = scene.fixture.elements[element]
            for action in target.actions:
                gaps = nearest_fingertip(scene, element, action)
                assert min(gaps) > -0.006, (index, element, action)
                assert max(gaps) < 0.003, (index, element, action)
                tried[target.kind].add(action)
    assert {kind: tuple(sorted(actions)) for kind, actions in tried.items()} == EVERY_USE


def test_contact_frames_are_the_first_and_the_last_with_the_hand_on_the_element() -> None:
    demonstration = plan_demonstration(SCENE, 0)

    def frames(start: float, end: float, count: int) -> tuple[int, int] | None:
        return replace(
            demonstration, motion=replace(demonstration.motion, start=start, end=end)
        ).contact_frames(count)

    # the frames of 8 are taken at 1/16, 3/16, ...
    assert frames(0.3, 0.6, 8) == (2, 4)
    assert frames(-0.02, 0.6, 8) == (0, 4)
    assert frames(0.3, 1.02, 8) == (2, 7)
    assert frames(0.3125, 0.5625, 8) == (2, 4)
    assert frames(0.33, 0.43, 8) is None
    assert frames(0.33, 0.43, 32) == (11, 13)
