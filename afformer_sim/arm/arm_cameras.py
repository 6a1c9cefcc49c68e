# SPDX-License-Identifier: Apache-2.0
"""Cameras in a world with an arm: the robot's head camera, and a spectator's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.arm_world import ArmWorld, WorldSnapshot
from afformer_sim.arm.franka import ARM_JOINTS, FINGER_JOINTS
from afformer_sim.arm.workplace import Workplace, furnish, table_box
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.scene.hand_skins import SkinXml
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.world import Lighting, describe_world

if TYPE_CHECKING:
    from typing_extensions import Self

# Keys of the scene's random stream for RGB-D that the benchmark's images use.
_SENSOR, _DEPTH = 11, 12
# Width and height of the spectator's images.
_SPECTATOR = (640, 480)
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
        spectator: True for human viewers, who see a floor and smooth edges.
    """

    def __init__(
        self,
        scene: Scene,
        buffer: tuple[int, int],
        workplace: Workplace,
        *,
        spectator: bool = False,
    ) -> None:
        self._workplace = workplace
        self._spectator = spectator
        super().__init__(scene, buffer)
        self._option.geomgroup[_FLOOR_GROUP] = spectator
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
        if self._spectator:
            model.vis.quality.offsamples = 4
        return model


def _spectator_light(side: float) -> Lighting:
    """Return a bright light for a base at the right (1) or left (-1) of the elements."""
    key, fill = np.array([0.4 * side, -0.7, -0.9]), np.array([0.8 * side, -0.3, -0.6])
    return Lighting(
        ambient=np.full(3, 0.38),
        directions=np.array([key / np.linalg.norm(key), fill / np.linalg.norm(fill)]),
        colours=np.array([[0.40, 0.39, 0.37], [0.12, 0.13, 0.15]]),
        # they would take two thirds of the time of a spectator's image
        shadows=False,
    )


@dataclass(frozen=True)
class CameraImages:
    """Images of the head camera at one time.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        depth: float32 [H, W] metres with the defects of a real camera.
    """

    image: NDArray[np.uint8]
    depth: NDArray[np.float32]


class ArmCameras:
    """Cameras of one world, for use in one thread; close them at the end, or use `with`.

    The head camera belongs to the trial's view: it is fixed in the room.

    Args:
        world: observed world.
        depth_camera: defects of the head camera's depth.
    """

    def __init__(self, world: ArmWorld, depth_camera: DepthCamera) -> None:
        trial = world.trial
        self._trial = trial
        self._depth_camera = depth_camera
        self._workplace = world.workplace
        self._count = 0
        self._renderer = ArmRenderer(trial.scene, trial.view.size, world.workplace)
        self._spectator: ArmRenderer | None = None
        self._renderer.set_room(trial.view.lighting, trial.view.surroundings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the OpenGL contexts."""
        self._renderer.close()
        if self._spectator is not None:
            self._spectator.close()

    def capture(self, snapshot: WorldSnapshot) -> CameraImages:
        """Take the next images of the head camera."""
        view, renderer = self._trial.view, self._renderer
        renderer.set_arm(snapshot.joints)
        image, depth = renderer.render_with_depth(view.camera, view.size, states=snapshot.states)
        images = CameraImages(
            view.sensor.expose(image, self._rng(_SENSOR)),
            self._depth_camera.measure(depth, self._rng(_DEPTH)),
        )
        self._count += 1
        return images

    def spectate(self, snapshot: WorldSnapshot) -> NDArray[np.uint8]:
        """Render the spectator's image: uint8 [H, W, 3] RGB."""
        if self._spectator is None:
            workplace, scene = self._workplace, self._trial.scene
            self._spectator = ArmRenderer(scene, _SPECTATOR, workplace, spectator=True)
            light = _spectator_light(float(workplace.side))
            self._spectator.set_room(light, self._trial.view.surroundings)
        camera = self._workplace.spectator()
        self._spectator.set_arm(snapshot.joints)
        return self._spectator.render(camera, _SPECTATOR, states=snapshot.states)

    def _rng(self, purpose: int) -> np.random.Generator:
        keys = (self._trial.number, self._count)[: 2 if self._count else 1]
        return make_rng(self._trial.scene.seed, Stream.RGBD, purpose, *keys)
