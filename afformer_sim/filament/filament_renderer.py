# SPDX-License-Identifier: Apache-2.0
"""Physically based renderer of colour images; the classic renderer provides masks and depth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from afformer_sim.bodies.pose import Pose
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.cameras.camera import Camera
from afformer_sim.filament.filament_context import filament_context, room_light
from afformer_sim.filament.filament_hand import FilamentHand
from afformer_sim.filament.finishes import FINISH_MATERIALS, apply_finishes
from afformer_sim.hand_mesh.posed_hand import PosedHand
from afformer_sim.scene.renderer import Hand, Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.surroundings import Lighting, Surroundings

_NEAR, _FAR = 0.02, 20.0
# Illuminance of a room whose ambient light is 1, in lux.
_ROOM_LUX = 40000.0


class FilamentRenderer(Renderer):
    """Renderer with metals, plastics, soft shadows and the light of a room around the scene.

    Args:
        scene: scene to render.
        buffer: (width, height) of the largest image.

    Raises:
        ModuleNotFoundError: see `filament_context.require_filament`.
    """

    def __init__(self, scene: Scene, buffer: tuple[int, int]) -> None:
        self._mjrf, self._filament = filament_context()
        super().__init__(scene, buffer, finishes=FINISH_MATERIALS)
        apply_finishes(self._model, make_rng(scene.seed, Stream.FINISH, scene.variant))
        self._target = self._filament.create_render_target(
            self._mjrf.RenderTargetConfig(color_format=self._mjrf.PixelFormat.PIXEL_FORMAT_RGB8)
        )
        self._shown: Any = None
        self._room_light: Any = None
        self._hand: FilamentHand | None = None

    def close(self) -> None:
        """Free the resources of the renderer."""
        self._clear()
        super().close()

    def _clear(self) -> None:
        """Remove everything from the scene, which does not own it, before freeing it."""
        if self._shown is None:
            return
        if self._hand is not None:
            self._hand.remove_from(self._shown.scene)
        self._shown.scene.remove_light(self._room_light)
        self._filament.flush()
        self._hand = self._room_light = self._shown = None

    def set_room(self, lighting: Lighting, surroundings: Surroundings) -> None:
        """Set the light and the room of the following images."""
        from mujoco.rendering.filament.model_scene import ModelScene

        super().set_room(lighting, surroundings)
        # lights and materials are read when a scene is made
        self._clear()
        self._shown = ModelScene(self._filament, self._model)
        light = self._mjrf.LightParams()
        light.type = self._mjrf.LightType.LIGHT_IMAGE
        light.texture = room_light()
        light.intensity = _ROOM_LUX * float(lighting.ambient.mean())
        self._room_light = self._filament.create_light(light)
        self._shown.scene.add_light(self._room_light)

    def render(
        self,
        camera: Camera,
        size: tuple[int, int],
        hand: Hand = (),
        states: Mapping[int, Pose] | None = None,
    ) -> np.ndarray:
        """Render an image, see `Renderer.render`; the hand is made of meshes.

        Raises:
            ValueError: the image is larger than the buffer, the hand is made of capsules, or the
                room is not set.
        """
        if not isinstance(hand, PosedHand) and len(hand):
            raise ValueError('hand is made of capsules; this renderer draws only hands of meshes')
        if self._shown is None:
            raise ValueError('the room is not set; call set_room before')
        self._update(camera, size, (), states or {})
        self._show_hand(hand if isinstance(hand, PosedHand) else None)
        self._shown.update(self._data)
        return self._shoot(camera, size)

    def _show_hand(self, hand: PosedHand | None) -> None:
        scene = self._shown.scene
        if hand is not None and self._hand is not None and self._hand.is_of(hand):
            self._hand.pose(hand)
            return
        if self._hand is not None:
            self._hand.remove_from(scene)
        self._hand = None if hand is None else FilamentHand(hand)
        if self._hand is not None:
            self._hand.add_to(scene)

    def _shoot(self, camera: Camera, size: tuple[int, int]) -> np.ndarray:
        width, height = size
        image = np.empty((height, width, 3), np.uint8)
        self._target.resize(width, height)
        request = self._mjrf.RenderRequest()
        request.scene, request.target = self._shown.scene, self._target
        request.viewport.left = request.viewport.bottom = 0
        request.viewport.width, request.viewport.height = width, height
        request.camera = self._pinhole(camera, size)
        read = self._mjrf.ReadRequest(target=self._target)
        read.set_buffer(image)
        self._filament.wait_for_frame(self._filament.render([request], [read]))
        return image

    def _pinhole(self, camera: Camera, size: tuple[int, int]) -> Any:
        top = _NEAR * math.tan(math.radians(camera.field_of_view) / 2)
        pinhole = self._mjrf.Camera()
        pinhole.pos = camera.position
        pinhole.forward, pinhole.up = -camera.rotation[:, 2], camera.rotation[:, 1]
        pinhole.frustum_near, pinhole.frustum_far = _NEAR, _FAR
        pinhole.frustum_top, pinhole.frustum_bottom = top, -top
        pinhole.frustum_width = top * size[0] / size[1]
        return pinhole
