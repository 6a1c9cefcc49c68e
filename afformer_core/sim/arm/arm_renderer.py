# SPDX-License-Identifier: Apache-2.0
"""Renderer of a scene with an arm in front of its fixture."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_core.sim.arm.franka import ARM_JOINTS, FINGER_JOINTS
from afformer_core.sim.arm.workplace import Workplace, furnish, table_box
from afformer_core.sim.scene.hand_skins import SkinXml
from afformer_core.sim.scene.renderer import Renderer
from afformer_core.sim.scene.scene import Scene
from afformer_core.sim.scene.world import describe_world


class ArmRenderer(Renderer):
    """Renderer whose images show the arm, its pedestal and the floor too.

    Args:
        scene: scene to render.
        buffer: (width, height) of the largest image.
        workplace: where the arm and the table stand.
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
        self, scene: Scene, buffer: tuple[int, int], skins: SkinXml | None, finishes: str
    ) -> mujoco.MjModel:
        world = describe_world(scene, buffer, skins, finishes)
        spec = mujoco.MjSpec.from_string(world.xml, assets=dict(world.files))
        furnish(spec, self._workplace)
        table = spec.geom('table')
        table.pos, table.size = table_box(self._workplace)
        spec.worldbody.add_geom(
            name='floor',
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=[0, self._workplace.floor - 0.01, 1],
            size=[2.5, 0.01, 3],
            rgba=[0.48, 0.46, 0.44, 1],
        )
        model = spec.compile()
        world.paint(model)
        return model
