# SPDX-License-Identifier: Apache-2.0
"""Renderer of images, element masks and depth by MuJoCo, without a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from afformer_sim.bodies.hand import Capsule
from afformer_sim.bodies.solid import STILL, Pose
from afformer_sim.cameras.camera import Camera
from afformer_sim.hand_mesh.posed_hand import PosedHand
from afformer_sim.hand_mesh.skin_texture import HandStyle
from afformer_sim.scene.hand_skins import SKIN_CODES, SkinXml, paint_skins, place_skins
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.world import (
    Lighting,
    Surroundings,
    describe_world,
    place_lighting,
    place_surroundings,
)

if TYPE_CHECKING:
    from typing_extensions import Self

NOTHING = -1
# Code of a hand's first capsule; the codes of the others decrease from it.
HAND = -2
_MAXIMUM_GEOMS = 400
_CAPSULE = mujoco.mjtGeom.mjGEOM_CAPSULE

Hand = Sequence[Capsule] | PosedHand


class Renderer:
    """Renderer of one scene's fixture, for one thread; close it at the end, or use `with`.

    Args:
        buffer: (width, height) of the largest image.
        skins: skins for hands of meshes, see `hand_skins.skins_xml`; None if there are none.
    """

    _window: mujoco.GLContext | None = None

    def __init__(
        self, scene: Scene, buffer: tuple[int, int], skins: SkinXml | None = None
    ) -> None:
        # one OpenGL context per process, because creating one takes longer than rendering a
        # fixture
        if Renderer._window is None:
            Renderer._window = mujoco.GLContext(16, 16)
        Renderer._window.make_current()
        self._fixture = scene.fixture
        self._model = self._build_model(scene, buffer, skins)
        self._data = mujoco.MjData(self._model)
        self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_50)
        self._scene = mujoco.MjvScene(self._model, maxgeom=_MAXIMUM_GEOMS)
        self._skinned = skins is not None
        self._style: HandStyle | None = None
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = self._model.camera('view').id

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the OpenGL context."""
        self._context.free()

    def set_room(self, lighting: Lighting, surroundings: Surroundings) -> None:
        """Set the light and the room of the following images."""
        place_lighting(self._model, lighting)
        place_surroundings(self._model, self._fixture, surroundings)

    def render(
        self,
        camera: Camera,
        size: tuple[int, int],
        hand: Hand = (),
        states: Mapping[int, Pose] | None = None,
    ) -> np.ndarray:
        """Render an image.

        Args:
            camera: camera of the image.
            size: (width, height), at most the buffer's.
            hand: capsules of a hand, if there is one, or a hand of meshes.
            states: displacements of the elements that are not at rest.

        Returns:
            uint8 [H, W, 3] RGB.
        """
        self._update(camera, size, hand, states or {})
        return self._read(size)

    def segment(
        self,
        camera: Camera,
        size: tuple[int, int],
        hand: Hand = (),
        states: Mapping[int, Pose] | None = None,
    ) -> np.ndarray:
        """Render what each pixel shows: int32 [H, W].

        A value is the index of an element, `HAND` - k for capsule k of the hand, or `NOTHING`. For
        a hand of meshes, k is 0, and its arm has the k of the arm's capsule. See `render` for the
        arguments.
        """
        self._update(camera, size, hand, states or {})
        flags = self._scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        codes = self._read(size).astype(np.int32)
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 0
        element_of = np.full(_MAXIMUM_GEOMS + 1, NOTHING, np.int32)
        of_bodies = np.full(self._model.nbody, NOTHING, np.int32)
        for i in range(len(self._fixture.elements)):
            of_bodies[self._model.body(f'element_{i}').id] = i
        elements = of_bodies[self._model.geom_bodyid]
        # a hand's capsules come last; MuJoCo does not set their owner
        capsules = 0 if isinstance(hand, PosedHand) else len(hand)
        scene_geoms = self._scene.ngeom - capsules
        for i in range(scene_geoms):
            geom = self._scene.geoms[i]
            if geom.objtype == mujoco.mjtObj.mjOBJ_GEOM and geom.objid >= 0:
                element_of[geom.segid + 1] = elements[geom.objid]
            elif geom.objtype == mujoco.mjtObj.mjOBJ_SKIN:
                element_of[geom.segid + 1] = HAND - SKIN_CODES[geom.objid]
        for k in range(capsules):
            element_of[self._scene.geoms[scene_geoms + k].segid + 1] = HAND - k
        return np.asarray(element_of[codes @ np.array([1, 1 << 8, 1 << 16])])

    def render_with_depth(
        self,
        camera: Camera,
        size: tuple[int, int],
        hand: Hand = (),
        states: Mapping[int, Pose] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Render an image and depth along the optical axis, at each pixel's centre.

        See `render` for the arguments.

        Returns:
            the image, and float32 [H, W] metres; the far plane's distance for empty pixels.
        """
        self._update(camera, size, hand, states or {})
        # one minus the usual depth has more precision at far distances
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR.value
        depth = np.empty((size[1], size[0]), np.float32)
        image = self._read(size, depth)
        extent = float(self._model.stat.extent)
        planes = self._model.vis.map
        near, far = extent * float(planes.znear), extent * float(planes.zfar)
        metres = near * far / (near + depth[::-1].astype(np.float64) * (far - near))
        return image, metres.astype(np.float32)

    def _update(
        self, camera: Camera, size: tuple[int, int], hand: Hand, states: Mapping[int, Pose]
    ) -> None:
        # another renderer may have drawn into its own buffer since
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        view = self._camera.fixedcamid
        self._model.cam_pos[view] = camera.position
        mujoco.mju_mat2Quat(self._model.cam_quat[view], camera.rotation.flatten())
        self._model.cam_fovy[view] = camera.field_of_view
        for i, element in enumerate(self._fixture.elements):
            pose = element.placed(states.get(i, STILL))
            self._data.mocap_pos[i] = pose.position
            self._data.mocap_quat[i] = pose.quaternion
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        shown = self._camera, mujoco.mjtCatBit.mjCAT_ALL.value, self._scene
        mujoco.mjv_updateScene(self._model, self._data, self._option, None, *shown)
        if self._skinned:
            self._place_mesh(hand if isinstance(hand, PosedHand) else None)
        if not isinstance(hand, PosedHand):
            for capsule in hand:
                self._add_capsule(capsule)

    def _build_model(
        self, scene: Scene, buffer: tuple[int, int], skins: SkinXml | None
    ) -> mujoco.MjModel:
        """Build the model of the scene's fixture and its room."""
        return describe_world(scene, buffer, skins).compile()

    def _place_mesh(self, hand: PosedHand | None) -> None:
        if hand is not None and hand.style != self._style:
            paint_skins(self._model, self._context, hand.style)
            self._style = hand.style
        place_skins(self._scene, hand)
        # the faces of a right hand are mirrored
        mirrored = hand is not None and not hand.left
        self._scene.flags[mujoco.mjtRndFlag.mjRND_CULL_FACE] = not mirrored

    def _add_capsule(self, capsule: Capsule) -> None:
        geom = self._scene.geoms[self._scene.ngeom]
        colour = np.array([*capsule.colour, 1], np.float32)
        mujoco.mjv_initGeom(geom, _CAPSULE, np.zeros(3), np.zeros(3), np.eye(3).ravel(), colour)
        mujoco.mjv_connector(geom, _CAPSULE, capsule.radius, capsule.start, capsule.end)
        geom.category = mujoco.mjtCatBit.mjCAT_DYNAMIC
        geom.specular, geom.shininess = 0.15, 0.3
        geom.segid = self._scene.ngeom
        self._scene.ngeom += 1

    def _read(self, size: tuple[int, int], depth: np.ndarray | None = None) -> np.ndarray:
        """Draw, and read the image; if a buffer for depth is given, fill it upside down."""
        width, height = size
        viewport = mujoco.MjrRect(0, 0, width, height)
        image = np.empty((height, width, 3), np.uint8)
        mujoco.mjr_render(viewport, self._scene, self._context)
        mujoco.mjr_readPixels(image, depth, viewport, self._context)
        return np.ascontiguousarray(image[::-1])
