# SPDX-License-Identifier: Apache-2.0
"""Cameras in a world with an arm: the robot's head camera, and a spectator's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.arm_renderer import ArmRenderer, SpectatorRenderer
from afformer_sim.arm.arm_world import ArmWorld, WorldSnapshot
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.cameras.depth_camera import DepthCamera, SensedDepth

if TYPE_CHECKING:
    from typing_extensions import Self

# Keys of the scene's random stream for RGB-D that the benchmark's images use.
_SENSOR, _DEPTH = 11, 12
# Width and height of the spectator's images.
_SPECTATOR = (640, 480)


@dataclass(frozen=True)
class CameraImages:
    """Images of the head camera at one time.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        depth: depth with the defects of a real camera.
    """

    image: NDArray[np.uint8]
    depth: SensedDepth


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
        self._spectator: SpectatorRenderer | None = None
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
            trial = self._trial
            self._spectator = SpectatorRenderer(
                trial.scene, _SPECTATOR, self._workplace, trial.view.surroundings
            )
        camera = self._workplace.spectator()
        self._spectator.set_arm(snapshot.joints)
        return self._spectator.render(camera, _SPECTATOR, states=snapshot.states)

    def _rng(self, purpose: int) -> np.random.Generator:
        keys = (self._trial.number, self._count)[: 2 if self._count else 1]
        return make_rng(self._trial.scene.seed, Stream.RGBD, purpose, *keys)
