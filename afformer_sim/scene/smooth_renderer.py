# SPDX-License-Identifier: Apache-2.0
"""Renderer of images to look at: smooth edges, fine shadows and a hand of meshes."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import mujoco
import numpy as np

from afformer_sim.bodies.pose import Pose
from afformer_sim.cameras.camera import Camera
from afformer_sim.scene.hand_skins import SkinXml, skins_xml
from afformer_sim.scene.renderer import Hand, Renderer
from afformer_sim.scene.scene import Scene

# Factor by which an image is rendered larger along each side, and side of the shadow map in
# pixels.
_SCALE = 2
_SHADOW_SIDE = 4096


class SmoothRenderer(Renderer):
    """Renderer that shrinks its colour images from larger ones.

    Args:
        scene: scene to render.
        buffer: (width, height) of the largest image.
    """

    def __init__(self, scene: Scene, buffer: tuple[int, int]) -> None:
        super().__init__(scene, (_SCALE * buffer[0], _SCALE * buffer[1]), skins_xml())

    def render(
        self,
        camera: Camera,
        size: tuple[int, int],
        hand: Hand = (),
        states: Mapping[int, Pose] | None = None,
    ) -> np.ndarray:
        """Render an image, see `Renderer.render`."""
        large = super().render(camera, (_SCALE * size[0], _SCALE * size[1]), hand, states)
        image: np.ndarray = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
        return image

    def _build_model(
        self, scene: Scene, buffer: tuple[int, int], skins: SkinXml | None
    ) -> mujoco.MjModel:
        model = super()._build_model(scene, buffer, skins)
        model.vis.quality.shadowsize = _SHADOW_SIDE
        return model
