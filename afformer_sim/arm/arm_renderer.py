# SPDX-License-Identifier: Apache-2.0
"""Renderer of a scene with an arm in front of its fixture."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.franka import ARM_JOINTS, FINGER_JOINTS
from afformer_sim.arm.workplace import Workplace, furnish, table_box
from afformer_sim.scene.hand_skins import SkinXml
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.surroundings import Lighting, Surroundings
from afformer_sim.scene.world import describe_world

# Colours of the light room beyond the wall.
_SKY, _HORIZON = [0.87, 0.89, 0.92], [0.70, 0.72, 0.75]

# Shown only on request, because the scenes of the closed loop have no floor.
_FLOOR_GROUP = 5


class ArmRenderer(Renderer):
    """Renderer whose images also show the arm and its pedestal.

    Args:
        scene: scene to render.
        buffer: (width, height) of the largest image.
        workplace: positions of the arm and the table.
    """

    def __init__(self, scene: Scene, buffer: tuple[int, int], workplace: Workplace) -> None:
        self._workplace = workplace
        super().__init__(scene, buffer)
        names = (*ARM_JOINTS, *FINGER_JOINTS)
        self._joints = [int(self._model.joint(name).qposadr[0]) for name in names]

    def set_arm(self, positions: NDArray[np.float64]) -> None:
        """Set the positions of the arm's joints and of both fingers, [9], of later images."""
        self._data.qpos[self._joints] = positions

    def _build_model(
        self, scene: Scene, buffer: tuple[int, int], skins: SkinXml | None
    ) -> mujoco.MjModel:
        world = describe_world(scene, buffer, skins)
        spec = mujoco.MjSpec.from_string(world.xml, assets=dict(world.files))
        furnish(spec, self._workplace)
        table = spec.geom('table')
        table.pos, table.size = table_box(self._workplace)
        spec.worldbody.add_geom(
            name='floor',
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=[0, self._workplace.floor - 0.01, 1],
            size=[2.5, 0.01, 3],
            rgba=[0.62, 0.60, 0.57, 1],
            group=_FLOOR_GROUP,
        )
        spec.add_texture(
            name='sky',
            type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
            builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
            rgb1=_SKY,
            rgb2=_HORIZON,
            width=256,
            height=6 * 256,
        )
        model = spec.compile()
        world.paint(model)
        # the shadow of an arm has longer edges than that of a fixture
        model.vis.quality.shadowsize = 1024
        return model


class SpectatorRenderer(ArmRenderer):
    """Renderer of an arm at work for human viewers: brighter, with a floor and smooth edges.

    Args:
        scene: scene to render.
        buffer: (width, height) of the largest image.
        workplace: positions of the arm and the table.
        surroundings: room of the scene.
    """

    def __init__(
        self,
        scene: Scene,
        buffer: tuple[int, int],
        workplace: Workplace,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(scene, buffer, workplace)
        self._option.geomgroup[_FLOOR_GROUP] = 1
        side = float(workplace.side)
        key, fill = np.array([0.4 * side, -0.7, -0.9]), np.array([0.8 * side, -0.3, -0.6])
        lighting = Lighting(
            ambient=np.full(3, 0.38),
            directions=np.array([key / np.linalg.norm(key), fill / np.linalg.norm(fill)]),
            colours=np.array([[0.40, 0.39, 0.37], [0.12, 0.13, 0.15]]),
            shadows=True,
        )
        self.set_room(lighting, surroundings)

    def _build_model(
        self, scene: Scene, buffer: tuple[int, int], skins: SkinXml | None
    ) -> mujoco.MjModel:
        model = super()._build_model(scene, buffer, skins)
        model.vis.quality.shadowsize = 2048
        model.vis.quality.offsamples = 4
        return model
