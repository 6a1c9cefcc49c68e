# SPDX-License-Identifier: Apache-2.0
"""Renderer of a benchmark's fixture in one of our rooms."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np

from afformer_sim.bodies.pose import STILL, Pose
from afformer_sim.robot_benchmarks.benchmark_scene import BenchmarkScene
from afformer_sim.robot_benchmarks.fixture_model import (
    attach_fixture,
    find_geoms,
    scale_fixture,
)
from afformer_sim.scene.hand_skins import SkinXml
from afformer_sim.scene.renderer import NOTHING, Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.world import describe_world


class BenchmarkRenderer(Renderer):
    """Renderer whose masks show the geoms of the part that a hand grasps as element 0.

    Args:
        scene: scene to render.
        buffer: (width, height) of the largest image.
        skins: skins for hands of meshes, see `hand_skins.skins_xml`; None if there are none.

    Raises:
        DatasetError: the package of the model is not installed, or has another model.
    """

    def __init__(
        self, scene: BenchmarkScene, buffer: tuple[int, int], skins: SkinXml | None = None
    ) -> None:
        self._part = scene.part
        super().__init__(scene, buffer, skins)
        # markers that only a benchmark's tasks need
        self._option.sitegroup[:] = 0
        self._geoms = find_geoms(self._model, self._part)
        mujoco.mj_kinematics(self._model, self._data)
        inverse = self._fixture.elements[0].pose.rotation.T
        origin = self._fixture.elements[0].pose.position
        moving = self._geoms.moving
        self._positions = (self._data.geom_xpos[moving] - origin) @ inverse.T
        self._rotations = inverse @ self._data.geom_xmat[moving].reshape(-1, 3, 3)

    def _build_model(
        self, scene: Scene, buffer: tuple[int, int], skins: SkinXml | None, finishes: str
    ) -> mujoco.MjModel:
        world = describe_world(scene, buffer, skins, finishes)
        spec = mujoco.MjSpec.from_string(world.xml, assets=dict(world.files))
        attach_fixture(spec, self._part)
        model = spec.compile()
        scale_fixture(model, self._part.scale)
        world.paint(model)
        # the room's two lamps come first
        model.light_active[2:] = 0
        return model

    def _place_elements(self, states: Mapping[int, Pose]) -> None:
        super()._place_elements(states)
        placed = self._fixture.elements[0].placed(states.get(0, STILL))
        moving = self._geoms.moving
        self._data.geom_xpos[moving] = placed.apply(self._positions)
        self._data.geom_xmat[moving] = (placed.rotation @ self._rotations).reshape(-1, 9)

    def _elements_of_geoms(self) -> np.ndarray:
        elements = np.full(self._model.ngeom, NOTHING, np.int32)
        elements[self._geoms.grasped] = 0
        return elements
