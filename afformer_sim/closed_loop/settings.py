# SPDX-License-Identifier: Apache-2.0
"""Settings of the trials of a simulated arm."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.families import FAMILIES
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.scene_settings import SceneSettings


@dataclass(frozen=True, kw_only=True)
class ClosedLoopSettings(SceneSettings):
    """Scenes, demonstrations, views and noise of the trials of a robot.

    Attributes:
        families: families of the fixtures, taken in turn.
        demonstrations: number for each fixture, of different elements as far as possible.
        views: number of views of the robot's camera for each demonstration.
        size: (width, height) of the robot's images.
        longest_side: longest side of a demonstration's frames, in pixels.
        noise: noise of depth, as a share of it.
        holes: share of the pixels without depth; 0 if the noise is 0.

    Raises:
        ValueError: a number is out of range, or a family unknown.
    """

    scenes: int = 100
    families: tuple[str, ...] = FAMILIES
    held_out: bool = True
    seed: int = 8
    demonstrations: int = 2
    views: int = 2
    size: tuple[int, int] = (640, 480)
    longest_side: int = 256
    noise: float = 0.005
    holes: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.size) < 32:
            raise ValueError(f'size is {self.size}; expected at least 32 x 32 pixels')
        self.depth_camera(self.noise)

    def scene(self, index: int) -> Scene:
        """Return the scene `index`, from 0."""
        family = self.families[index % len(self.families)]
        return Scene(scene_seed(self.seed, index), family, self.held_out)

    def depth_camera(self, noise: float) -> DepthCamera:
        """Return the depth camera that has this noise.

        Raises:
            ValueError: the noise or the share of holes is out of range.
        """
        return DepthCamera(noise, self.holes if noise else 0.0)
