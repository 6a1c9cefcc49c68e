# SPDX-License-Identifier: Apache-2.0
"""Settings of a closed-loop benchmark."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.families import FAMILIES
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.scene_settings import require_families


@dataclass(frozen=True, kw_only=True)
class ClosedLoopSettings:
    """Scenes, demonstrations, views and noise of a closed-loop benchmark.

    Attributes:
        scenes: number of fixtures, taken from the families in turn.
        families: families of the fixtures.
        held_out: True for textures that are kept out of training.
        seed: seed of everything random; equal settings give equal trials.
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
        require_families(self.families)
        counts = (self.scenes, self.demonstrations, self.views)
        if min(counts) < 1:
            raise ValueError(
                f'scenes, demonstrations and views are {", ".join(map(str, counts))}; expected '
                'each at least 1'
            )
        if min(*self.size, self.longest_side) < 32:
            raise ValueError(
                f'size is {self.size} and longest_side {self.longest_side}; expected images '
                'of at least 32 x 32 pixels'
            )
        if self.seed < 0:
            raise ValueError(f'seed is {self.seed}; expected at least 0')
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
